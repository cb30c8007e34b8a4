using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>
/// Attention over whole sequences: a group has sixteen queries of a head and walks the keys up to them in tiles, with one
/// running softmax a row (FlashAttention, Dao et al. 2022), so that no square of the sequence's length exists. A warp computes
/// scores, a lane a key; a thread sums one column of the output for eight rows.
/// </summary>
internal static class TrainingAttentionKernels
{
    /// <summary>Queries of a group.</summary>
    public const int BlockRows = 16;

    /// <summary>Keys of a tile: a lane each.</summary>
    public const int TileKeys = 32;

    /// <summary>Largest head.</summary>
    public const int MaxHeadSize = 128;

    /// <summary>Values from a row to the next in shared memory; the padding keeps lanes in banks of their own.</summary>
    public const int SharedStride = MaxHeadSize + 4;

    /// <summary>Threads of a group: two halves of the rows by the columns.</summary>
    public static int GroupSizeOf(int headSize) => headSize <= 64 ? 128 : 256;

    /// <summary>The grid is [sequences * blocks, heads].</summary>
    /// <param name="numbers">Heads and sequences.</param>
    /// <param name="steps">Queries, keys and values of a plain pass, or of the first step.</param>
    /// <param name="queries">Those whose queries ask; the same buffer in a plain pass.</param>
    /// <param name="own">Own keys and values of each row, [rows, own steps, 2 * KV width].</param>
    /// <param name="y">Output.</param>
    /// <param name="logSums">Logarithms of softmax sums.</param>
    public static void Forward(
        AttentionNumbers numbers,
        RowsView steps,
        RowsView queries,
        RowsView own,
        RowsView y,
        RowsView logSums
    )
    {
        var q = Shared(BlockRows * SharedStride);
        var tile = Shared(TileKeys * SharedStride);
        var weights = Shared(TileKeys * BlockRows);
        var maxima = Shared(BlockRows);
        var sums = Shared(BlockRows);
        var factors = Shared(BlockRows);
        var start = numbers.BlockStart;
        var end = numbers.SequenceEnd;
        if (start >= end)
        {
            return;
        }

        var head = Grid.IdxY;
        var kvHead = head / numbers.GroupSize;
        var size = numbers.HeadSize;
        var rows = XMath.Min(BlockRows, end - start);
        var columns = Group.DimX >> 1;
        var column = Group.IdxX % columns;
        var firstRow = Group.IdxX / columns * 8;
        LoadRows(queries, start, rows, BlockRows, head * size, size, q);
        if (Group.IdxX < BlockRows)
        {
            maxima[Group.IdxX] = float.NegativeInfinity;
            sums[Group.IdxX] = 0f;
        }

        Group.Barrier();
        var output = new EightRows();
        for (var key = numbers.FirstKey(start); key < start + rows; key += TileKeys)
        {
            var keys = XMath.Min(TileKeys, start + rows - key);
            LoadRows(steps, key, keys, TileKeys, numbers.KeyColumn + kvHead * size, size, tile);
            Group.Barrier();
            ScoreTile(numbers, q, tile, start - key, keys, weights, maxima, sums, factors);
            Group.Barrier();
            LoadRows(steps, key, keys, TileKeys, numbers.ValueColumn + kvHead * size, size, tile);
            Group.Barrier();
            output = output.Scale(Four(factors, firstRow), Four(factors, firstRow + 4));
            for (var k = 0; k < TileKeys; k++)
            {
                output = output.Add(
                    Four(weights, k * BlockRows + firstRow),
                    Four(weights, k * BlockRows + firstRow + 4),
                    tile[k * SharedStride + column]
                );
            }

            Group.Barrier();
        }

        if (numbers.OwnSteps > 0)
        {
            ScoreOwn(numbers, q, own, start, rows, kvHead, weights, maxima, sums, factors);
            Group.Barrier();
            output = output.Scale(Four(factors, firstRow), Four(factors, firstRow + 4));
            output = AddOwn(numbers, output, own, start, rows, kvHead, firstRow, column, weights);
        }

        var low = Four(sums, firstRow);
        var high = Four(sums, firstRow + 4);
        output = output.Scale(Inverse(low), Inverse(high));
        if (column < size)
        {
            output.Store(y, start + firstRow, start + rows, head * size + column, 0);
        }

        if (Group.IdxX < rows)
        {
            logSums.Values[logSums.At(start + Group.IdxX, head)] = maxima[Group.IdxX] + XMath.Log(sums[Group.IdxX]);
        }
    }

    /// <summary>Copies rows of a head to shared memory, zeros for rows and columns that do not exist.</summary>
    public static void LoadRows(
        RowsView source,
        int first,
        int rows,
        int allRows,
        int column,
        int size,
        ArrayView<float> target
    )
    {
        for (var i = Group.IdxX; i < allRows * MaxHeadSize; i += Group.DimX)
        {
            var row = i / MaxHeadSize;
            var at = i % MaxHeadSize;
            target[row * SharedStride + at] =
                row < rows && at < size ? source.Values[source.At(first + row, column + at)] : 0f;
        }
    }

    /// <summary>Shared memory for a multiple of four values, on a border of sixteen bytes.</summary>
    public static ArrayView<float> Shared(int values) => SharedMemory.Allocate<Float4>(values / 4).Cast<float>();

    /// <summary>Four neighbours of shared memory in one load.</summary>
    public static Float4 Four(ArrayView<float> shared, int at) => shared.Cast<Float4>()[at >> 2];

    /// <summary>Product of two rows in shared memory.</summary>
    public static float Dot(ArrayView<float> a, int rowA, ArrayView<float> b, int rowB, int size)
    {
        var sum = 0f;
        for (var i = 0; i < size; i += 4)
        {
            var x = Four(a, rowA * SharedStride + i);
            var y = Four(b, rowB * SharedStride + i);
            sum += x.X * y.X + x.Y * y.Y + x.Z * y.Z + x.W * y.W;
        }

        return sum;
    }

    /// <summary>Scores of a tile, and each row's running softmax; a warp takes rows a fixed distance apart.</summary>
    private static void ScoreTile(
        AttentionNumbers numbers,
        ArrayView<float> q,
        ArrayView<float> tile,
        int ahead,
        int keys,
        ArrayView<float> weights,
        ArrayView<float> maxima,
        ArrayView<float> sums,
        ArrayView<float> factors
    )
    {
        var lane = Group.IdxX & 31;
        for (var row = Group.IdxX >> 5; row < BlockRows; row += Group.DimX >> 5)
        {
            var isSeen = lane < keys && lane <= ahead + row && lane > ahead + row - numbers.Reach;
            var score = Dot(q, row, tile, lane, numbers.HeadSize) * numbers.Scale;
            Join(isSeen ? score : float.NegativeInfinity, row, lane, weights, maxima, sums, factors);
        }
    }

    /// <summary>Scores of the rows' own steps, a lane a step.</summary>
    private static void ScoreOwn(
        AttentionNumbers numbers,
        ArrayView<float> q,
        RowsView own,
        int start,
        int rows,
        int kvHead,
        ArrayView<float> weights,
        ArrayView<float> maxima,
        ArrayView<float> sums,
        ArrayView<float> factors
    )
    {
        var lane = Group.IdxX & 31;
        for (var row = Group.IdxX >> 5; row < BlockRows; row += Group.DimX >> 5)
        {
            var score = float.NegativeInfinity;
            if (lane < numbers.OwnSteps && row < rows)
            {
                var at = own.At(start + row, lane * numbers.OwnWidth + kvHead * numbers.HeadSize);
                score = 0f;
                for (var i = 0; i < numbers.HeadSize; i++)
                {
                    score += q[row * SharedStride + i] * own.Values[at + i];
                }

                score *= numbers.Scale;
            }

            Join(score, row, lane, weights, maxima, sums, factors);
        }
    }

    /// <summary>Joins a warp's scores to a row's running softmax.</summary>
    private static void Join(
        float score,
        int row,
        int lane,
        ArrayView<float> weights,
        ArrayView<float> maxima,
        ArrayView<float> sums,
        ArrayView<float> factors
    )
    {
        var before = maxima[row];
        var max = XMath.Max(before, GroupReduction.OverWarp(score));

        // A row past the block's end has seen nothing; its numbers stay finite and are not stored.
        var shift = max == float.NegativeInfinity ? 0f : max;
        var weight = XMath.Exp(score - shift);
        var factor = XMath.Exp(before - shift);
        weights[lane * BlockRows + row] = weight;
        var sum = GroupSum.OverWarp(weight);
        if (lane == 0)
        {
            sums[row] = sums[row] * factor + sum;
            maxima[row] = max;
            factors[row] = factor;
        }
    }

    private static EightRows AddOwn(
        AttentionNumbers numbers,
        EightRows output,
        RowsView own,
        int start,
        int rows,
        int kvHead,
        int firstRow,
        int column,
        ArrayView<float> weights
    )
    {
        for (var step = 0; step < numbers.OwnSteps; step++)
        {
            var at = step * numbers.OwnWidth + numbers.OwnWidth / 2 + kvHead * numbers.HeadSize + column;
            var w = step * BlockRows + firstRow;
            output.R0 += weights[w] * Own(numbers, own, start, firstRow, rows, column, at);
            output.R1 += weights[w + 1] * Own(numbers, own, start, firstRow + 1, rows, column, at);
            output.R2 += weights[w + 2] * Own(numbers, own, start, firstRow + 2, rows, column, at);
            output.R3 += weights[w + 3] * Own(numbers, own, start, firstRow + 3, rows, column, at);
            output.R4 += weights[w + 4] * Own(numbers, own, start, firstRow + 4, rows, column, at);
            output.R5 += weights[w + 5] * Own(numbers, own, start, firstRow + 5, rows, column, at);
            output.R6 += weights[w + 6] * Own(numbers, own, start, firstRow + 6, rows, column, at);
            output.R7 += weights[w + 7] * Own(numbers, own, start, firstRow + 7, rows, column, at);
        }

        return output;
    }

    private static float Own(
        AttentionNumbers numbers,
        RowsView own,
        int start,
        int row,
        int rows,
        int column,
        int at
    ) => row < rows && column < numbers.HeadSize ? own.Values[own.At(start + row, at)] : 0f;

    private static Float4 Inverse(Float4 sums) =>
        new()
        {
            X = 1f / sums.X,
            Y = 1f / sums.Y,
            Z = 1f / sums.Z,
            W = 1f / sums.W,
        };
}
