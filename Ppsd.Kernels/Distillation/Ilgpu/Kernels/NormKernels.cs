using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>RMS norm and its gradient; see <see cref="Cpu.NormRows"/> for the formulas.</summary>
internal static class NormKernels
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 128;

    /// <summary>Rows of a group where a warp has a row.</summary>
    public const int GroupRows = GroupSize / GroupSum.WarpSize;

    /// <summary>Rows whose part of the scale's gradient is summed by one thread.</summary>
    public const int ChunkRows = 64;

    /// <summary>A warp a row.</summary>
    public static void Forward(
        RowsView x,
        ArrayView<float> scale,
        float epsilon,
        RowsView y,
        RowsView inverse,
        int rows
    )
    {
        var row = Grid.IdxX * GroupRows + (Group.IdxX >> 5);
        if (row >= rows)
        {
            return;
        }

        var lane = Group.IdxX & 31;
        var squares = 0f;
        for (var i = lane; i < x.Width; i += 32)
        {
            var value = x.Values[x.At(row, i)];
            squares += value * value;
        }

        var factor = 1f / XMath.Sqrt(GroupSum.OverWarp(squares) / x.Width + epsilon);
        for (var i = lane; i < x.Width; i += 32)
        {
            y.Values[y.At(row, i)] = x.Values[x.At(row, i)] * factor * scale[i];
        }

        if (lane == 0)
        {
            inverse.Values[inverse.At(row, 0)] = factor;
        }
    }

    /// <summary>Adds the input's gradient; a warp a row.</summary>
    public static void InputGradient(
        RowsView dy,
        RowsView x,
        ArrayView<float> scale,
        RowsView inverse,
        RowsView dx,
        int rows
    )
    {
        var row = Grid.IdxX * GroupRows + (Group.IdxX >> 5);
        if (row >= rows)
        {
            return;
        }

        var lane = Group.IdxX & 31;
        var sum = 0f;
        for (var i = lane; i < x.Width; i += 32)
        {
            sum += dy.Values[dy.At(row, i)] * scale[i] * x.Values[x.At(row, i)];
        }

        var r = inverse.Values[inverse.At(row, 0)];
        var shared = GroupSum.OverWarp(sum) / x.Width * r * r * r;
        for (var i = lane; i < x.Width; i += 32)
        {
            dx.Values[dx.At(row, i)] += dy.Values[dy.At(row, i)] * scale[i] * r - x.Values[x.At(row, i)] * shared;
        }
    }

    /// <summary>Sums a chunk of rows; a thread a column, the grid is [chunks, groups of columns].</summary>
    public static void ScaleGradient(RowsView dy, RowsView x, RowsView inverse, int rows, ArrayView<float> sums)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        if (column >= x.Width)
        {
            return;
        }

        var first = Grid.IdxX * ChunkRows;
        var end = XMath.Min(rows, first + ChunkRows);
        var sum = 0f;
        for (var row = first; row < end; row++)
        {
            sum += dy.Values[dy.At(row, column)] * x.Values[x.At(row, column)] * inverse.Values[inverse.At(row, 0)];
        }

        sums[(long)Grid.IdxX * x.Width + column] = sum;
    }

    /// <summary>Adds the chunks' sums, <paramref name="stride"/> apart, in their order; a thread a column.</summary>
    public static void AddChunks(ArrayView<float> sums, int chunks, int stride, ArrayView<float> gradient)
    {
        var column = Grid.IdxX * GroupSize + Group.IdxX;
        if (column >= gradient.IntLength)
        {
            return;
        }

        var sum = gradient[column];
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            sum += sums[(long)chunk * stride + column];
        }

        gradient[column] = sum;
    }
}
