using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>y = gate / (1 + exp(-gate)) * up, element by element (Shazeer 2020).</summary>
internal static unsafe class CpuSwiGlu
{
    /// <summary>As far as the exponential goes; from there on the result is nothing: 88 / e^88 is 5e-37.</summary>
    private const float LargestExponent = 88f;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Execute(float* gate, float* up, float* y, int width)
    {
        var i = 0;
        for (; i <= width - Lanes.Count; i += Lanes.Count)
        {
            Apply(Vector512.Load(gate + i), Vector512.Load(up + i)).Store(y + i);
        }

        // Gate and up lie in one row, so a last partial vector would read the neighbour; take it value by value, with
        // the same vector arithmetic in one lane.
        for (; i < width; i++)
        {
            y[i] = Apply(Vector512.Create(gate[i]), Vector512.Create(up[i]))[0];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Apply(Vector512<float> gate, Vector512<float> up)
    {
        var e = VectorMath.Exp(Vector512.Min(-gate, Vector512.Create(LargestExponent)));
        return gate / (Vector512<float>.One + e) * up;
    }
}
