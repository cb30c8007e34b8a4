using System.Numerics;
using System.Runtime.InteropServices;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>
/// Widens 16-bit floats to single precision. Every value of either type is a single too, so nothing is rounded:
/// subnormals, both zeros, infinities and the payload of a NaN survive. Pure, so any thread may call it.
/// </summary>
public static class ElementConversion
{
    // 2^112 lifts a half's exponent bias (15) to a single's (127).
    private const float HalfBiasLift = 5.192296858534828e33f;

    /// <summary>Widens bfloat16 bit patterns.</summary>
    /// <param name="source">[n] bit patterns.</param>
    /// <param name="destination">[n] receives the values.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void BFloat16ToSingle(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        RequireSameLength(source, destination);
        var bits = MemoryMarshal.Cast<float, uint>(destination);
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var lower, out var upper);
            (lower << 16).CopyTo(bits[i..]);
            (upper << 16).CopyTo(bits[(i + Vector<uint>.Count)..]);
        }

        for (; i < source.Length; i++)
        {
            bits[i] = (uint)source[i] << 16;
        }
    }

    /// <summary>Widens IEEE 754 half bit patterns.</summary>
    /// <param name="source">[n] bit patterns.</param>
    /// <param name="destination">[n] receives the values.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Float16ToSingle(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        RequireSameLength(source, destination);
        var bits = MemoryMarshal.Cast<float, uint>(destination);
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var lower, out var upper);
            HalfToSingleBits(lower).CopyTo(bits[i..]);
            HalfToSingleBits(upper).CopyTo(bits[(i + Vector<uint>.Count)..]);
        }

        for (; i < source.Length; i++)
        {
            bits[i] = HalfToSingleBits(new Vector<uint>(source[i]))[0];
        }
    }

    private static Vector<uint> HalfToSingleBits(Vector<uint> half)
    {
        var sign = (half & new Vector<uint>(0x8000)) << 16;

        // Exponent and mantissa in place make a number 2^112 too small. The product is a power of two away from it and
        // is never subnormal, so it is exact, a half's subnormals included.
        var magnitude = (half & new Vector<uint>(0x7fff)) << 13;
        var lifted = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) * new Vector<float>(HalfBiasLift));

        // A half's exponent of all ones means infinity or NaN: a single's must be all ones too; the mantissa stays.
        var special = Vector.GreaterThanOrEqual(magnitude, new Vector<uint>(0x7c00 << 13));
        return sign | lifted | (special & new Vector<uint>(0x7f800000));
    }

    private static void RequireSameLength(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        if (source.Length != destination.Length)
        {
            throw new ArgumentException(
                $"The destination holds {destination.Length} elements, the source {source.Length}.",
                nameof(destination)
            );
        }
    }
}
