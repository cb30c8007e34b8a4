using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Sampling;

/// <summary>
/// Exponentials and logarithms whose bits are the same on every node, by plain products and sums: the C library's and
/// the runtime's may differ from version to version, and a card has its own. Sums have one order.
/// </summary>
internal static class VectorMath
{
    /// <summary>e^x; 0 from <see cref="ExpSeries.Floor"/> down, for x up to 88.</summary>
    public static float Exp(float x) => Exp(Vector512.Create(x))[0];

    /// <summary>Natural logarithm of a positive normal number.</summary>
    public static float Log(float x) => Log(Vector512.Create(x))[0];

    /// <inheritdoc cref="Exp(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        var rounder = Vector512.Create(ExpSeries.Rounder);
        var shifted = x * ExpSeries.Log2OfE + rounder;
        var n = shifted - rounder;
        var r = x - n * LogSeries.UpperLn2 - n * LogSeries.LowerLn2;
        var y = Vector512.Create(ExpSeries.C5);
        y = y * r + Vector512.Create(ExpSeries.C4);
        y = y * r + Vector512.Create(ExpSeries.C3);
        y = y * r + Vector512.Create(ExpSeries.C2);
        y = y * r + Vector512.Create(ExpSeries.C1);
        y = y * r + Vector512.Create(ExpSeries.C0);
        y = y * (r * r) + r + Vector512<float>.One;
        var exponent = shifted.AsInt32() - Vector512.Create(ExpSeries.RounderBits - ExpSeries.ExponentOfOne);
        var power = (exponent << LogSeries.FractionBits).AsSingle();
        return Vector512.ConditionalSelect(
            Vector512.GreaterThan(x, Vector512.Create(ExpSeries.Floor)),
            y * power,
            Vector512<float>.Zero
        );
    }

    /// <inheritdoc cref="Log(float)"/>
    public static Vector512<float> Log(Vector512<float> x)
    {
        var bits = x.AsInt32();
        var exponent = (bits - Vector512.Create(LogSeries.RootHalfBits)) >> LogSeries.FractionBits;
        var f = (bits - (exponent << LogSeries.FractionBits)).AsSingle() - Vector512<float>.One;
        var e = Vector512.ConvertToSingle(exponent);
        var square = f * f;
        var y = Vector512.Create(LogSeries.C8);
        y = y * f + Vector512.Create(LogSeries.C7);
        y = y * f + Vector512.Create(LogSeries.C6);
        y = y * f + Vector512.Create(LogSeries.C5);
        y = y * f + Vector512.Create(LogSeries.C4);
        y = y * f + Vector512.Create(LogSeries.C3);
        y = y * f + Vector512.Create(LogSeries.C2);
        y = y * f + Vector512.Create(LogSeries.C1);
        y = y * f + Vector512.Create(LogSeries.C0);
        y = y * f * square + e * LogSeries.LowerLn2 - square * 0.5f;
        return f + y + e * LogSeries.UpperLn2;
    }

    /// <summary>Sum of e^(score - max).</summary>
    public static float SumExp(ReadOnlySpan<float> scores, float max)
    {
        var sum = 0f;
        var shift = Vector512.Create(max);
        var i = 0;
        for (; i <= scores.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            sum += Devices.Cpu.Lanes.Sum(Exp(Vector512.Create(scores.Slice(i, 16)) - shift));
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
