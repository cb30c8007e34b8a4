using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Devices;

/// <summary>
/// Cosines and sines of the rotary embedding (Su et al. 2021) for positions 0..length-1, computed in double precision
/// and rounded once. Frequencies follow the checkpoint; see <see cref="RopeKind"/>. Where heads are rotated in part, the
/// first pairs turn and the others stand still; <see cref="Weights.RotatedPairs"/> says which elements make a pair.
/// </summary>
internal sealed class RotaryTable
{
    /// <param name="rope">Kind and base of the frequencies.</param>
    /// <param name="headSize">Values per head.</param>
    /// <param name="length">Positions.</param>
    /// <param name="frequencyType">
    /// Type the frequencies are rounded to; see <see cref="RopeFrequencies"/>.
    /// </param>
    public RotaryTable(RopeParameters rope, int headSize, int length, ElementType frequencyType)
        : this(headSize, length)
    {
        var rotatedSize = rope.RotatedSize ?? headSize;
        var frequencies = Rounded(Frequencies(rope, rotatedSize, position: 0), frequencyType);
        var factor = (float)rope.AttentionFactor;
        for (var position = 0; position < length; position++)
        {
            if (position >= rope.OriginalMaxPositions && rope.Kind is RopeKind.Dynamic or RopeKind.LongRope)
            {
                frequencies = Rounded(Frequencies(rope, rotatedSize, position), frequencyType);
            }

            for (var i = 0; i < frequencies.Length; i++)
            {
                // The reference multiplies in fp32, and at thousands of radians that rounding is visible in the logits.
                double angle = position * frequencies[i];
                Cosines[position * HalfSize + i] = (float)Math.Cos(angle) * factor;
                Sines[position * HalfSize + i] = (float)Math.Sin(angle) * factor;
            }
        }
    }

    private RotaryTable(int headSize, int length)
    {
        HalfSize = headSize / 2;
        Length = length;
        Cosines = new float[length * HalfSize];
        Sines = new float[length * HalfSize];
        Cosines.AsSpan().Fill(1);
    }

    /// <summary>A table that turns nothing, for layers without rotary embedding.</summary>
    public static RotaryTable Still(int headSize, int length) => new(headSize, length);

    /// <summary>Pairs per head.</summary>
    public int HalfSize { get; }

    /// <summary>Positions in the table.</summary>
    public int Length { get; }

    /// <summary>[position, pair].</summary>
    public float[] Cosines { get; }

    /// <summary>[position, pair].</summary>
    public float[] Sines { get; }

    /// <summary>Radians per position for each pair, at a position.</summary>
    internal static double[] Frequencies(RopeParameters rope, int headSize, int position)
    {
        var theta = rope.Kind == RopeKind.Dynamic ? DynamicTheta(rope, headSize, position) : rope.Theta;
        var longFactors = position < rope.OriginalMaxPositions ? rope.ShortFactors : rope.LongFactors;
        var frequencies = new double[headSize / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            var frequency = 1.0 / Math.Pow(theta, 2.0 * i / headSize);
            frequencies[i] = rope.Kind switch
            {
                RopeKind.Linear => frequency / rope.Factor,
                RopeKind.Llama3 => SmoothScale(frequency, rope),
                RopeKind.Yarn => Blend(frequency, i, rope, headSize),
                RopeKind.LongRope => frequency / longFactors[i],
                _ => frequency,
            };
        }

        return frequencies;
    }

    // The base of a sequence whose last position this is.
    private static double DynamicTheta(RopeParameters rope, int headSize, int position)
    {
        var length = Math.Max(position + 1, rope.OriginalMaxPositions);
        var growth = (rope.Factor * length / rope.OriginalMaxPositions) - (rope.Factor - 1);
        return rope.Theta * Math.Pow(growth, headSize / (headSize - 2.0));
    }

    /// <summary>YaRN: pairs before the blend are kept, those behind it divided by the factor.</summary>
    private static double Blend(double frequency, int pair, RopeParameters rope, int headSize)
    {
        var low = PairOf(rope.FastTurns);
        var high = PairOf(rope.SlowTurns);
        low = Math.Max(rope.RoundsBlend ? Math.Floor(low) : low, 0);
        high = Math.Min(rope.RoundsBlend ? Math.Ceiling(high) : high, headSize - 1);
        high += low == high ? 0.001 : 0;
        var divided = (float)Math.Clamp((pair - low) / (high - low), 0, 1);
        return (frequency / rope.Factor * divided) + (frequency * (1 - divided));

        // The pair, counted as a fraction, that makes so many turns within the original context.
        double PairOf(double turns) =>
            headSize * Math.Log(rope.OriginalMaxPositions / (turns * 2 * Math.PI)) / (2 * Math.Log(rope.Theta));
    }

    private static float[] Rounded(double[] frequencies, ElementType type) =>
        [.. frequencies.Select(frequency => Round((float)frequency, type))];

    private static float Round(float frequency, ElementType type)
    {
        switch (type)
        {
            case ElementType.BFloat16:
                // To nearest, ties to even: add just under half a unit of the upper 16 bits, and one more if they are odd.
                var bits = BitConverter.SingleToUInt32Bits(frequency);
                return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000u);
            case ElementType.Float16:
                return (float)(Half)frequency;
            default:
                return frequency;
        }
    }

    /// <summary>
    /// Llama 3: short wavelengths stay, long ones are divided by the factor, and those between are blended by how many
    /// turns they make within the original context.
    /// </summary>
    private static double SmoothScale(double frequency, RopeParameters rope)
    {
        var turns = rope.OriginalMaxPositions * frequency / (2 * Math.PI);
        if (turns > rope.HighFrequencyFactor)
        {
            return frequency;
        }

        if (turns < rope.LowFrequencyFactor)
        {
            return frequency / rope.Factor;
        }

        var smooth = (turns - rope.LowFrequencyFactor) / (rope.HighFrequencyFactor - rope.LowFrequencyFactor);
        return (1 - smooth) * frequency / rope.Factor + smooth * frequency;
    }
}
