using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// RMS norm in two halves: whoever writes a row writes it times the norm's weight, with its partial sums of squares; the
/// product that reads it multiplies its result by this scale (a factor of a row passes through a product). Partial sums
/// are of 16 columns, added by a fixed tree; the row's sum is one warp's.
/// </summary>
internal static class NormScale
{
    /// <summary>Columns of a partial sum.</summary>
    public const int BlockColumns = 16;

    /// <summary>Partial sums of a row.</summary>
    public static int BlockCount(int width) => (width + BlockColumns - 1) / BlockColumns;

    /// <summary>
    /// Sum of squares over the sixteen lanes of a half warp, in each of them. All 32 lanes must arrive.
    /// </summary>
    public static float BlockSum(float value)
    {
        var sum = Exact.Multiply(value, value);
        sum += Warp.ShuffleXor(sum, 8);
        sum += Warp.ShuffleXor(sum, 4);
        sum += Warp.ShuffleXor(sum, 2);
        sum += Warp.ShuffleXor(sum, 1);
        return sum;
    }

    /// <summary>1 / sqrt(mean square + epsilon) of a row, in every lane of the warp. All 32 lanes must arrive.</summary>
    /// <param name="partials">[rows, blocks].</param>
    /// <param name="row">The row.</param>
    /// <param name="blocks">Partial sums of a row.</param>
    /// <param name="inverseWidth">1 / values of a row.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public static float OfRow(ArrayView<float> partials, int row, int blocks, float inverseWidth, float epsilon)
    {
        var sum = 0f;
        var at = (long)row * blocks;
        for (var block = Group.IdxX % GroupSum.WarpSize; block < blocks; block += GroupSum.WarpSize)
        {
            sum = Exact.Add(sum, partials[at + block]);
        }

        return Exact.ReciprocalRoot(Exact.Add(Exact.Multiply(GroupSum.OverWarp(sum), inverseWidth), epsilon));
    }
}
