using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// The gradient of y = silu(gate) * up: with s = 1 / (1 + exp(-gate)),
/// dGate = dy * up * s * (1 + gate * (1 - s)) and dUp = dy * gate * s.
/// </summary>
internal static unsafe class SwiGluRows
{
    private const float LargestExponent = 88f;

    /// <summary>One row; gate and up, and their gradients, need not begin on a vector's border.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(float* gate, float* up, float* dy, float* dGate, float* dUp, int width)
    {
        var i = 0;
        for (; i <= width - Lanes.Count; i += Lanes.Count)
        {
            Apply(
                Vector512.Load(gate + i),
                Vector512.Load(up + i),
                Vector512.Load(dy + i),
                out var gateGradient,
                out var upGradient
            );
            gateGradient.Store(dGate + i);
            upGradient.Store(dUp + i);
        }

        for (; i < width; i++)
        {
            Apply(
                Vector512.Create(gate[i]),
                Vector512.Create(up[i]),
                Vector512.Create(dy[i]),
                out var gateGradient,
                out var upGradient
            );
            dGate[i] = gateGradient[0];
            dUp[i] = upGradient[0];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Apply(
        Vector512<float> gate,
        Vector512<float> up,
        Vector512<float> dy,
        out Vector512<float> dGate,
        out Vector512<float> dUp
    )
    {
        var one = Vector512<float>.One;
        var e = VectorMath.Exp(Vector512.Min(-gate, Vector512.Create(LargestExponent)));
        var s = one / (one + e);
        dGate = dy * up * s * (one + gate * (one - s));
        dUp = dy * gate * s;
    }
}
