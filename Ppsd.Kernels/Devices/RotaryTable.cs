using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Devices;

/// <summary>
/// Cosines and sines of the rotary embedding (Su et al. 2021) for positions 0..length-1, computed in double precision
/// and rounded once. Frequencies follow the checkpoint: default, linear interpolation, or Llama 3's smooth scaling.
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
    {
        HalfSize = headSize / 2;
        Length = length;
        Cosines = new float[length * HalfSize];
        Sines = new float[length * HalfSize];
        var frequencies = Frequencies(rope, headSize)
            .Select(frequency => Round((float)frequency, frequencyType))
            .ToArray();
        for (var position = 0; position < length; position++)
        {
            for (var i = 0; i < HalfSize; i++)
            {
                // The reference multiplies in fp32, and at thousands of radians that rounding is visible in the logits.
                double angle = position * frequencies[i];
                Cosines[position * HalfSize + i] = (float)Math.Cos(angle);
                Sines[position * HalfSize + i] = (float)Math.Sin(angle);
            }
        }
    }

    /// <summary>Pairs per head.</summary>
    public int HalfSize { get; }

    /// <summary>Positions in the table.</summary>
    public int Length { get; }

    /// <summary>[position, pair].</summary>
    public float[] Cosines { get; }

    /// <summary>[position, pair].</summary>
    public float[] Sines { get; }

    /// <summary>Radians per position for each pair.</summary>
    internal static double[] Frequencies(RopeParameters rope, int headSize)
    {
        var frequencies = new double[headSize / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            var frequency = 1.0 / Math.Pow(rope.Theta, 2.0 * i / headSize);
            frequencies[i] = rope.Kind switch
            {
                RopeKind.Linear => frequency / rope.Factor,
                RopeKind.Llama3 => SmoothScale(frequency, rope),
                _ => frequency,
            };
        }

        return frequencies;
    }

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
