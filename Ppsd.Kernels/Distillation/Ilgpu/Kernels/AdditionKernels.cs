using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>What layers of some families have beyond a plain LLaMA's: biases, and norms of query and key heads.</summary>
internal static class AdditionKernels
{
    /// <summary>y[r, column + i] += bias[i]; a thread a value, the grid is [rows, groups of columns].</summary>
    public static void AddBias(RowsView y, int column, ArrayView<float> bias)
    {
        var i = Grid.IdxY * RowKernels.GroupSize + Group.IdxX;
        if (i < bias.IntLength)
        {
            y.Values[y.At(Grid.IdxX, column + i)] += bias[i];
        }
    }

    /// <summary>Sums a chunk of rows of a bias's gradient; a thread a column, the grid is [chunks, groups of columns].</summary>
    public static void BiasGradient(RowsView dy, int column, int width, int rows, ArrayView<float> sums)
    {
        var i = Grid.IdxY * NormKernels.GroupSize + Group.IdxX;
        if (i >= width)
        {
            return;
        }

        var first = Grid.IdxX * NormKernels.ChunkRows;
        var end = XMath.Min(rows, first + NormKernels.ChunkRows);
        var sum = 0f;
        for (var row = first; row < end; row++)
        {
            sum += dy.Values[dy.At(row, column + i)];
        }

        sums[(long)Grid.IdxX * width + i] = sum;
    }

    /// <summary>Norms heads, copies values; a warp has a head, the grid is [rows / 4, all heads].</summary>
    public static void NormHeads(
        HeadNumbers numbers,
        RowsView x,
        ArrayView<float> queryScale,
        ArrayView<float> keyScale,
        float epsilon,
        RowsView y,
        RowsView inverse,
        int rows
    )
    {
        var row = Grid.IdxX * NormKernels.GroupRows + (Group.IdxX >> 5);
        if (row >= rows)
        {
            return;
        }

        var lane = Group.IdxX & 31;
        var head = Grid.IdxY;
        var from = x.At(row, head * numbers.HeadSize);
        var to = y.At(row, head * numbers.HeadSize);
        var isNormed = head < numbers.QueryHeads + numbers.KeyHeads;
        var squares = 0f;
        for (var i = lane; i < numbers.HeadSize; i += 32)
        {
            squares += x.Values[from + i] * x.Values[from + i];
        }

        squares = GroupSum.OverWarp(squares);
        var factor = isNormed ? 1f / XMath.Sqrt(squares / numbers.HeadSize + epsilon) : 1f;
        for (var i = lane; i < numbers.HeadSize; i += 32)
        {
            var scale =
                head < numbers.QueryHeads ? queryScale[i]
                : isNormed ? keyScale[i]
                : 1f;
            y.Values[to + i] = x.Values[from + i] * factor * scale;
        }

        if (isNormed && lane == 0)
        {
            inverse.Values[inverse.At(row, head)] = factor;
        }
    }

    /// <summary>Turns heads' gradients into those before their norm; a warp has a head, the grid is [rows / 4, query and key heads].</summary>
    public static void NormHeadsInputGradient(
        HeadNumbers numbers,
        RowsView gradient,
        RowsView x,
        ArrayView<float> queryScale,
        ArrayView<float> keyScale,
        RowsView inverse,
        int rows
    )
    {
        var row = Grid.IdxX * NormKernels.GroupRows + (Group.IdxX >> 5);
        if (row >= rows)
        {
            return;
        }

        var lane = Group.IdxX & 31;
        var head = Grid.IdxY;
        var isQuery = head < numbers.QueryHeads;
        var at = gradient.At(row, head * numbers.HeadSize);
        var from = x.At(row, head * numbers.HeadSize);
        var sum = 0f;
        for (var i = lane; i < numbers.HeadSize; i += 32)
        {
            sum += gradient.Values[at + i] * (isQuery ? queryScale[i] : keyScale[i]) * x.Values[from + i];
        }

        var r = inverse.Values[inverse.At(row, head)];
        var shared = GroupSum.OverWarp(sum) / numbers.HeadSize * r * r * r;
        for (var i = lane; i < numbers.HeadSize; i += 32)
        {
            var scale = isQuery ? queryScale[i] : keyScale[i];
            gradient.Values[at + i] = gradient.Values[at + i] * scale * r - x.Values[from + i] * shared;
        }
    }

    /// <summary>
    /// Sums a chunk of rows of the scales' gradients over their heads; a thread a value of a head, the grid is [chunks, groups of
    /// values of both scales].
    /// </summary>
    public static void NormHeadsScaleGradient(
        HeadNumbers numbers,
        RowsView gradient,
        RowsView x,
        RowsView inverse,
        int rows,
        ArrayView<float> sums
    )
    {
        var column = Grid.IdxY * NormKernels.GroupSize + Group.IdxX;
        var size = numbers.HeadSize;
        if (column >= 2 * size)
        {
            return;
        }

        var firstHead = column < size ? 0 : numbers.QueryHeads;
        var endHead = column < size ? numbers.QueryHeads : numbers.QueryHeads + numbers.KeyHeads;
        var first = Grid.IdxX * NormKernels.ChunkRows;
        var end = XMath.Min(rows, first + NormKernels.ChunkRows);
        var sum = 0f;
        for (var row = first; row < end; row++)
        {
            for (var head = firstHead; head < endHead; head++)
            {
                var i = head * size + column % size;
                sum +=
                    gradient.Values[gradient.At(row, i)]
                    * x.Values[x.At(row, i)]
                    * inverse.Values[inverse.At(row, head)];
            }
        }

        sums[(long)Grid.IdxX * 2 * size + column] = sum;
    }
}

/// <summary>Heads of a row, for kernels.</summary>
internal struct HeadNumbers
{
    /// <summary>Query heads.</summary>
    public int QueryHeads;

    /// <summary>Key heads.</summary>
    public int KeyHeads;

    /// <summary>Values of a head.</summary>
    public int HeadSize;
}
