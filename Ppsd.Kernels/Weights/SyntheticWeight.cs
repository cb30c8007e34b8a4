using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>
/// A matrix whose values are a function of (key, row, column): uniform between minus and plus
/// <paramref name="amplitude"/>, rounded to bf16. Nothing is stored, so a device makes it where it is needed.
/// </summary>
/// <param name="rowLength">Values per row.</param>
/// <param name="key">Names the matrix.</param>
/// <param name="amplitude">Largest magnitude.</param>
internal sealed class SyntheticWeight(long rowCount, long rowLength, uint key, float amplitude)
    : Weight(rowCount, rowLength, ElementType.BFloat16)
{
    /// <summary>Steps from zero to the largest magnitude.</summary>
    private const float Steps = 32768f;

    /// <summary>Names the matrix.</summary>
    public uint Key { get; } = key;

    /// <summary>Value of one quantization step.</summary>
    public float StepSize { get; } = amplitude / Steps;

    public override GeneratedWeight? Generator => new GeneratedWeight(Key, StepSize);

    /// <summary>A value before it is rounded to bf16. Runs in kernels too: one rounding, so every device agrees.</summary>
    /// <param name="key">Names the matrix.</param>
    /// <param name="row">From 0.</param>
    /// <param name="column">From 0.</param>
    /// <param name="stepSize"><see cref="StepSize"/>.</param>
    public static float ValueAt(uint key, uint row, uint column, float stepSize)
    {
        var bits = column * 0x9E3779B1u + key;
        bits ^= bits >> 15;
        bits *= 0x85EBCA77u;
        bits += row * 0xC2B2AE3Du;
        bits ^= bits >> 13;
        bits *= 0x27D4EB2Fu;
        bits ^= bits >> 15;
        bits *= 0x165667B1u;

        // Half a step off the grid: exact in fp32, and no value is zero.
        return ((int)(bits >> 16) - (Steps - 0.5f)) * stepSize;
    }

    public override void ReadRow(long row, Span<float> destination)
    {
        for (var column = 0; column < destination.Length; column++)
        {
            var bits = BitConverter.SingleToUInt32Bits(ValueAt(Key, (uint)row, (uint)column, StepSize));
            destination[column] = BitConverter.UInt32BitsToSingle((bits + 0x7FFFu + ((bits >> 16) & 1u)) & 0xFFFF0000u);
        }
    }
}
