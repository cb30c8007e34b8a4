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
        var n = Exact.Add(shifted, -ExpSeries.Rounder);
        var r = Exact.Add(x, -Exact.Multiply(n, LogSeries.UpperLn2));
        r = Exact.Add(r, -Exact.Multiply(n, LogSeries.LowerLn2));
        var y = MultiplyAdd(ExpSeries.C5, r, ExpSeries.C4);
        y = MultiplyAdd(y, r, ExpSeries.C3);
        y = MultiplyAdd(y, r, ExpSeries.C2);
        y = MultiplyAdd(y, r, ExpSeries.C1);
        y = MultiplyAdd(y, r, ExpSeries.C0);
        y = MultiplyAdd(y, Exact.Multiply(r, r), r);
        y = Exact.Add(y, 1f);
        var exponent = (int)Interop.FloatAsInt(shifted) - (ExpSeries.RounderBits - ExpSeries.ExponentOfOne);
        var power = Interop.IntAsFloat((uint)(exponent << LogSeries.FractionBits));
        return x > ExpSeries.Floor ? Exact.Multiply(y, power) : 0f;
    }

    /// <summary>See <see cref="VectorMath.Log(float)"/>.</summary>
    public static float Log(float x)
    {
        var bits = (int)Interop.FloatAsInt(x);
        var exponent = (bits - LogSeries.RootHalfBits) >> LogSeries.FractionBits;
        var f = Exact.Add(Interop.IntAsFloat((uint)(bits - (exponent << LogSeries.FractionBits))), -1f);
        var e = (float)exponent;
        var square = Exact.Multiply(f, f);
        var y = MultiplyAdd(LogSeries.C8, f, LogSeries.C7);
        y = MultiplyAdd(y, f, LogSeries.C6);
        y = MultiplyAdd(y, f, LogSeries.C5);
        y = MultiplyAdd(y, f, LogSeries.C4);
        y = MultiplyAdd(y, f, LogSeries.C3);
        y = MultiplyAdd(y, f, LogSeries.C2);
        y = MultiplyAdd(y, f, LogSeries.C1);
        y = MultiplyAdd(y, f, LogSeries.C0);
        y = Exact.Multiply(Exact.Multiply(y, f), square);
        y = Exact.Add(y, Exact.Multiply(e, LogSeries.LowerLn2));
        y = Exact.Add(y, -Exact.Multiply(square, 0.5f));
        return Exact.Add(Exact.Add(f, y), Exact.Multiply(e, LogSeries.UpperLn2));
    }

    private static float MultiplyAdd(float a, float b, float c) => Exact.Add(Exact.Multiply(a, b), c);
}
