using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>RMS norm of one row and its gradient; rows are padded with zeros to whole vectors.</summary>
internal static unsafe class NormRows
{
    /// <summary>y = x * scale / sqrt(mean(x^2) + epsilon).</summary>
    /// <returns>1 / sqrt(mean(x^2) + epsilon).</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Forward(float* x, float* scale, float epsilon, float* y, int width)
    {
        var inverse = 1f / MathF.Sqrt(RowMath.Dot(x, x, width) / width + epsilon);
        var factor = Vector512.Create(inverse);
        for (var i = 0; i < width; i += Lanes.Count)
        {
            (Vector512.Load(x + i) * factor * Vector512.Load(scale + i)).Store(y + i);
        }

        return inverse;
    }

    /// <summary>
    /// With r = 1 / sqrt(mean(x^2) + epsilon): dx += r (dy * scale) - x r^3 / width * sum(dy * scale * x), and
    /// dScale += dy * x * r.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(float* dy, float* x, float* scale, float inverse, float* dx, float* dScale, int width)
    {
        var sums = Vector512<float>.Zero;
        var r = Vector512.Create(inverse);
        for (var i = 0; i < width; i += Lanes.Count)
        {
            var product = Vector512.Load(dy + i) * Vector512.Load(x + i);
            sums = Vector512.FusedMultiplyAdd(product, Vector512.Load(scale + i), sums);
            Vector512.FusedMultiplyAdd(product, r, Vector512.Load(dScale + i)).Store(dScale + i);
        }

        if (dx is null)
        {
            return;
        }

        var shared = Vector512.Create(-Lanes.Sum(sums) / width * inverse * inverse * inverse);
        for (var i = 0; i < width; i += Lanes.Count)
        {
            var own = Vector512.Load(dy + i) * Vector512.Load(scale + i) * r;
            (Vector512.FusedMultiplyAdd(Vector512.Load(x + i), shared, own) + Vector512.Load(dx + i)).Store(dx + i);
        }
    }
}
