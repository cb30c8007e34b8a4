using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// RMS norm in two halves: the kernel that writes a row multiplies it by the norm's weight and stores partial sums of
/// squares; the product that reads it multiplies its result by this scale (a factor of a row passes through a product).
/// Partial sums are of 16 columns, added by a fixed tree; the row's sum is one warp's.
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
        var sum = UnfusedMath.Multiply(value, value);
        sum += Warp.ShuffleXor(sum, 8);
        sum += Warp.ShuffleXor(sum, 4);
        sum += Warp.ShuffleXor(sum, 2);
        sum += Warp.ShuffleXor(sum, 1);
        return sum;
    }

    /// <summary>1 / sqrt(mean square + epsilon) of a row, in every lane of the warp. All 32 lanes must arrive.</summary>
    /// <param name="x">Half-normed rows.</param>
    public static float OfRow(NormedRowsView x, int row) => OfRow(LoadFirst(x, row), x, row);

    /// <summary>The same after <see cref="LoadFirst"/>; work between the two hides the latency.</summary>
    public static float OfRow(FirstPartials first, NormedRowsView x, int row)
    {
        var sum = UnfusedMath.Add(0f, first.Value0);
        sum = UnfusedMath.Add(sum, first.Value1);
        sum = UnfusedMath.Add(sum, first.Value2);
        sum = UnfusedMath.Add(sum, first.Value3);
        sum = UnfusedMath.Add(sum, first.Value4);
        sum = UnfusedMath.Add(sum, first.Value5);
        sum = UnfusedMath.Add(sum, first.Value6);
        sum = UnfusedMath.Add(sum, first.Value7);
        var at = (long)row * x.Blocks;
        var block = Group.IdxX % GroupSum.WarpSize + FirstPartials.Count * GroupSum.WarpSize;
        for (; block < x.Blocks; block += GroupSum.WarpSize)
        {
            sum = UnfusedMath.Add(sum, x.Partials[at + block]);
        }

        return UnfusedMath.ApproximateReciprocalRoot(
            UnfusedMath.Add(UnfusedMath.Multiply(GroupSum.OverWarp(sum), x.InverseWidth), x.Epsilon)
        );
    }

    /// <summary>A lane's first partial sums of a row, zero beyond the last.</summary>
    public static FirstPartials LoadFirst(NormedRowsView x, int row)
    {
        var at = (long)row * x.Blocks;
        var block = Group.IdxX % GroupSum.WarpSize;
        return new FirstPartials
        {
            Value0 = Load(x, at, block),
            Value1 = Load(x, at, block + GroupSum.WarpSize),
            Value2 = Load(x, at, block + 2 * GroupSum.WarpSize),
            Value3 = Load(x, at, block + 3 * GroupSum.WarpSize),
            Value4 = Load(x, at, block + 4 * GroupSum.WarpSize),
            Value5 = Load(x, at, block + 5 * GroupSum.WarpSize),
            Value6 = Load(x, at, block + 6 * GroupSum.WarpSize),
            Value7 = Load(x, at, block + 7 * GroupSum.WarpSize),
        };
    }

    private static float Load(NormedRowsView x, long at, int block)
    {
        // No branch: each load would wait for the one before.
        var mask = (block - x.Blocks) >> 31;
        return Interop.IntAsFloat(Interop.FloatAsInt(x.Partials[at + (block & mask)]) & (uint)mask);
    }
}

/// <summary>Partial sums of squares that a lane adds up first.</summary>
internal struct FirstPartials
{
    /// <summary>Their number.</summary>
    public const int Count = 8;

    public float Value0;
    public float Value1;
    public float Value2;
    public float Value3;
    public float Value4;
    public float Value5;
    public float Value6;
    public float Value7;
}
