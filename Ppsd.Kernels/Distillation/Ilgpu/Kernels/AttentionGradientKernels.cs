using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>
/// The gradient of <see cref="TrainingAttentionKernels"/>: probabilities are computed again from the kept logarithms of sums. One
/// kernel has queries' gradients and walks the keys, another has keys' and values' and walks the queries, so every value is
/// summed by one thread in one order, without atomics.
/// </summary>
internal static class AttentionGradientKernels
{
    private const int Rows = TrainingAttentionKernels.BlockRows;
    private const int Stride = TrainingAttentionKernels.SharedStride;

    /// <summary>differences[r, head] = sum over the head of dy * y; a warp a row, the grid is [rows / 4, heads].</summary>
    public static void Differences(RowsView dy, RowsView y, int headSize, int rows, RowsView differences)
    {
        var row = Grid.IdxX * NormKernels.GroupRows + (Group.IdxX >> 5);
        if (row >= rows)
        {
            return;
        }

        var sum = 0f;
        for (var i = Group.IdxX & 31; i < headSize; i += 32)
        {
            var column = Grid.IdxY * headSize + i;
            sum += dy.Values[dy.At(row, column)] * y.Values[y.At(row, column)];
        }

        sum = GroupSum.OverWarp(sum);
        if ((Group.IdxX & 31) == 0)
        {
            differences.Values[differences.At(row, Grid.IdxY)] = sum;
        }
    }

    /// <summary>Queries' gradients; the grid is [sequences * blocks, heads].</summary>
    public static void Queries(
        AttentionNumbers numbers,
        RowsView steps,
        RowsView queries,
        RowsView dy,
        RowsView logSums,
        RowsView differences,
        RowsView gradient
    )
    {
        var q = TrainingAttentionKernels.Shared(Rows * Stride);
        var dOut = TrainingAttentionKernels.Shared(Rows * Stride);
        var k = TrainingAttentionKernels.Shared(Rows * Stride);
        var v = TrainingAttentionKernels.Shared(Rows * Stride);
        var ds = TrainingAttentionKernels.Shared(Rows * Rows);
        var start = numbers.BlockStart;
        var end = numbers.SequenceEnd;
        if (start >= end)
        {
            return;
        }

        var head = Grid.IdxY;
        var kvHead = head / numbers.GroupSize;
        var size = numbers.HeadSize;
        var rows = XMath.Min(Rows, end - start);
        var columns = Group.DimX >> 1;
        var column = Group.IdxX % columns;
        var firstRow = Group.IdxX / columns * 8;
        TrainingAttentionKernels.LoadRows(queries, start, rows, Rows, head * size, size, q);
        TrainingAttentionKernels.LoadRows(dy, start, rows, Rows, head * size, size, dOut);
        var sums = new EightRows();
        for (var key = numbers.FirstKey(start); key < start + rows; key += Rows)
        {
            var keys = XMath.Min(Rows, start + rows - key);
            TrainingAttentionKernels.LoadRows(steps, key, keys, Rows, numbers.KeyColumn + kvHead * size, size, k);
            TrainingAttentionKernels.LoadRows(steps, key, keys, Rows, numbers.ValueColumn + kvHead * size, size, v);
            Group.Barrier();
            for (var pair = Group.IdxX; pair < Rows * Rows; pair += Group.DimX)
            {
                var row = pair / Rows;
                var at = pair % Rows;
                var value = 0f;
                if (row < rows && key + at <= start + row && key + at > start + row - numbers.Reach)
                {
                    var score = TrainingAttentionKernels.Dot(q, row, k, at, size) * numbers.Scale;
                    var p = XMath.Exp(score - logSums.Values[logSums.At(start + row, head)]);
                    var dp = TrainingAttentionKernels.Dot(dOut, row, v, at, size);
                    value = p * (dp - differences.Values[differences.At(start + row, head)]) * numbers.Scale;
                }

                ds[at * Rows + row] = value;
            }

            Group.Barrier();
            for (var at = 0; at < Rows; at++)
            {
                sums = sums.Add(
                    TrainingAttentionKernels.Four(ds, at * Rows + firstRow),
                    TrainingAttentionKernels.Four(ds, at * Rows + firstRow + 4),
                    k[at * Stride + column]
                );
            }

            Group.Barrier();
        }

        if (column < size)
        {
            sums.Store(gradient, start + firstRow, start + rows, head * size + column, 0);
        }
    }

    /// <summary>Keys' and values' gradients, added; the grid is [sequences * blocks, KV heads].</summary>
    public static void KeysValues(
        AttentionNumbers numbers,
        RowsView steps,
        RowsView queries,
        RowsView dy,
        RowsView logSums,
        RowsView differences,
        RowsView gradient
    )
    {
        var q = TrainingAttentionKernels.Shared(Rows * Stride);
        var dOut = TrainingAttentionKernels.Shared(Rows * Stride);
        var k = TrainingAttentionKernels.Shared(Rows * Stride);
        var v = TrainingAttentionKernels.Shared(Rows * Stride);
        var p = TrainingAttentionKernels.Shared(Rows * Rows);
        var ds = TrainingAttentionKernels.Shared(Rows * Rows);
        var start = numbers.BlockStart;
        var end = numbers.SequenceEnd;
        if (start >= end)
        {
            return;
        }

        var kvHead = Grid.IdxY;
        var size = numbers.HeadSize;
        var keys = XMath.Min(Rows, end - start);
        var columns = Group.DimX >> 1;
        var column = Group.IdxX % columns;
        var firstRow = Group.IdxX / columns * 8;
        TrainingAttentionKernels.LoadRows(steps, start, keys, Rows, numbers.KeyColumn + kvHead * size, size, k);
        TrainingAttentionKernels.LoadRows(steps, start, keys, Rows, numbers.ValueColumn + kvHead * size, size, v);
        var keySums = new EightRows();
        var valueSums = new EightRows();
        for (var i = 0; i < numbers.GroupSize; i++)
        {
            var head = kvHead * numbers.GroupSize + i;
            for (var first = start; first < XMath.Min(end, start + keys - 1 + numbers.Reach); first += Rows)
            {
                var rows = XMath.Min(Rows, end - first);
                TrainingAttentionKernels.LoadRows(queries, first, rows, Rows, head * size, size, q);
                TrainingAttentionKernels.LoadRows(dy, first, rows, Rows, head * size, size, dOut);
                Group.Barrier();
                for (var pair = Group.IdxX; pair < Rows * Rows; pair += Group.DimX)
                {
                    var row = pair / Rows;
                    var at = pair % Rows;
                    var probability = 0f;
                    var value = 0f;
                    if (
                        row < rows
                        && at < keys
                        && start + at <= first + row
                        && start + at > first + row - numbers.Reach
                    )
                    {
                        var score = TrainingAttentionKernels.Dot(q, row, k, at, size) * numbers.Scale;
                        probability = XMath.Exp(score - logSums.Values[logSums.At(first + row, head)]);
                        var dp = TrainingAttentionKernels.Dot(dOut, row, v, at, size);
                        value =
                            probability * (dp - differences.Values[differences.At(first + row, head)]) * numbers.Scale;
                    }

                    p[row * Rows + at] = probability;
                    ds[row * Rows + at] = value;
                }

                Group.Barrier();
                for (var row = 0; row < Rows; row++)
                {
                    keySums = keySums.Add(
                        TrainingAttentionKernels.Four(ds, row * Rows + firstRow),
                        TrainingAttentionKernels.Four(ds, row * Rows + firstRow + 4),
                        q[row * Stride + column]
                    );
                    valueSums = valueSums.Add(
                        TrainingAttentionKernels.Four(p, row * Rows + firstRow),
                        TrainingAttentionKernels.Four(p, row * Rows + firstRow + 4),
                        dOut[row * Stride + column]
                    );
                }

                Group.Barrier();
            }
        }

        if (column < size)
        {
            var at = kvHead * size + column;
            keySums.Store(gradient, start + firstRow, start + keys, numbers.KeyColumn + at, 1);
            valueSums.Store(gradient, start + firstRow, start + keys, numbers.ValueColumn + at, 1);
        }
    }

    /// <summary>
    /// What rows' own steps add: to the queries' gradients, and to those of the steps' keys and values. A warp has a row and a
    /// key/value head; the grid is [rows / 4, KV heads].
    /// </summary>
    public static void Own(
        AttentionNumbers numbers,
        RowsView queries,
        RowsView own,
        RowsView dy,
        RowsView logSums,
        RowsView differences,
        RowsView gradient,
        RowsView ownGradient,
        int rows
    )
    {
        var row = Grid.IdxX * NormKernels.GroupRows + (Group.IdxX >> 5);
        if (row >= rows)
        {
            return;
        }

        var lane = Group.IdxX & 31;
        var size = numbers.HeadSize;
        for (var step = 0; step < numbers.OwnSteps; step++)
        {
            var key = own.At(row, step * numbers.OwnWidth + Grid.IdxY * size);
            var value = key + numbers.OwnWidth / 2;
            var keyGradient = ownGradient.At(row, step * numbers.OwnWidth + Grid.IdxY * size);
            var valueGradient = keyGradient + numbers.OwnWidth / 2;
            for (var i = 0; i < numbers.GroupSize; i++)
            {
                var head = Grid.IdxY * numbers.GroupSize + i;
                var query = queries.At(row, head * size);
                var output = dy.At(row, head * size);
                var score = 0f;
                var dp = 0f;
                for (var j = lane; j < size; j += 32)
                {
                    score += queries.Values[query + j] * own.Values[key + j];
                    dp += dy.Values[output + j] * own.Values[value + j];
                }

                score = GroupSum.OverWarp(score) * numbers.Scale;
                dp = GroupSum.OverWarp(dp);
                var p = XMath.Exp(score - logSums.Values[logSums.At(row, head)]);
                var ds = p * (dp - differences.Values[differences.At(row, head)]) * numbers.Scale;
                for (var j = lane; j < size; j += 32)
                {
                    gradient.Values[gradient.At(row, head * size + j)] += ds * own.Values[key + j];
                    ownGradient.Values[keyGradient + j] += ds * queries.Values[query + j];
                    ownGradient.Values[valueGradient + j] += p * dy.Values[output + j];
                }
            }
        }
    }
}
