using ILGPU;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>What <see cref="VectorMath"/> computes on the host, in kernels, bit for bit: the same steps in the same order.</summary>
internal static class DeviceMath
{
    /// <summary>See <see cref="VectorMath.Exp(float)"/>.</summary>
    public static float Exp(float x)
    {
        var shifted = MultiplyAdd(x, ExpSeries.Log2OfE, ExpSeries.Rounder);
        var n = UnfusedMath.Add(shifted, -ExpSeries.Rounder);
        var r = UnfusedMath.Add(x, -UnfusedMath.Multiply(n, LogSeries.UpperLn2));
        r = UnfusedMath.Add(r, -UnfusedMath.Multiply(n, LogSeries.LowerLn2));
        var y = MultiplyAdd(ExpSeries.C5, r, ExpSeries.C4);
        y = MultiplyAdd(y, r, ExpSeries.C3);
        y = MultiplyAdd(y, r, ExpSeries.C2);
        y = MultiplyAdd(y, r, ExpSeries.C1);
        y = MultiplyAdd(y, r, ExpSeries.C0);
        y = MultiplyAdd(y, UnfusedMath.Multiply(r, r), r);
        y = UnfusedMath.Add(y, 1f);
        var exponent = (int)Interop.FloatAsInt(shifted) - (ExpSeries.RounderBits - ExpSeries.ExponentOfOne);
        var power = Interop.IntAsFloat((uint)(exponent << LogSeries.FractionBits));
        return x > ExpSeries.Floor ? UnfusedMath.Multiply(y, power) : 0f;
    }

    /// <summary>See <see cref="VectorMath.Log(float)"/>.</summary>
    public static float Log(float x)
    {
        var bits = (int)Interop.FloatAsInt(x);
        var exponent = (bits - LogSeries.RootHalfBits) >> LogSeries.FractionBits;
        var f = UnfusedMath.Add(Interop.IntAsFloat((uint)(bits - (exponent << LogSeries.FractionBits))), -1f);
        var e = (float)exponent;
        var square = UnfusedMath.Multiply(f, f);
        var y = MultiplyAdd(LogSeries.C8, f, LogSeries.C7);
        y = MultiplyAdd(y, f, LogSeries.C6);
        y = MultiplyAdd(y, f, LogSeries.C5);
        y = MultiplyAdd(y, f, LogSeries.C4);
        y = MultiplyAdd(y, f, LogSeries.C3);
        y = MultiplyAdd(y, f, LogSeries.C2);
        y = MultiplyAdd(y, f, LogSeries.C1);
        y = MultiplyAdd(y, f, LogSeries.C0);
        y = UnfusedMath.Multiply(UnfusedMath.Multiply(y, f), square);
        y = UnfusedMath.Add(y, UnfusedMath.Multiply(e, LogSeries.LowerLn2));
        y = UnfusedMath.Add(y, -UnfusedMath.Multiply(square, 0.5f));
        return UnfusedMath.Add(UnfusedMath.Add(f, y), UnfusedMath.Multiply(e, LogSeries.UpperLn2));
    }

    private static float MultiplyAdd(float a, float b, float c) => UnfusedMath.Add(UnfusedMath.Multiply(a, b), c);
}
