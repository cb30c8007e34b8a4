using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Sampling;

/// <summary>
/// Exponentials and logarithms by the runtime's own vector code: MathF's come from the system's C library, whose last
/// bit may differ from node to node. Sums have one order.
/// </summary>
internal static class VectorMath
{
    /// <summary>e^x.</summary>
    public static float Exp(float x) => Vector512.Exp(Vector512.Create(x))[0];

    /// <summary>Natural logarithm.</summary>
    public static float Log(float x) => Vector512.Log(Vector512.Create(x))[0];

    /// <summary>Sum of e^(score - max).</summary>
    public static float SumExp(ReadOnlySpan<float> scores, float max)
    {
        var sum = 0f;
        var shift = Vector512.Create(max);
        var i = 0;
        for (; i <= scores.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            sum += Devices.Cpu.Lanes.Sum(Vector512.Exp(Vector512.Create(scores.Slice(i, 16)) - shift));
        }

        for (; i < scores.Length; i++)
        {
            sum += Exp(scores[i] - max);
        }

        return sum;
    }

    /// <summary>log of the sum of e^score.</summary>
    public static float LogSumExp(ReadOnlySpan<float> scores)
    {
        var max = TensorPrimitives.Max(scores);
        return max + Log(SumExp(scores, max));
    }
}
