using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Products with bf16 weights and what is done to their totals on the way out. A group is <see cref="TileProduct"/>'s;
/// the grid is [row blocks of the matrix, eights of rows of x].
/// </summary>
internal static class ProductKernels
{
    /// <summary>Three groups share a multiprocessor: room for 85 registers a thread.</summary>
    public static KernelSpecialization Specialization { get; } = new(TileProduct.GroupSize, 3);

    /// <summary>Two groups share a multiprocessor: room for 128 registers a thread.</summary>
    public static KernelSpecialization DeepSpecialization { get; } = new(TileProduct.GroupSize, 2);

    /// <summary>y[row] = W norm(x[row]): q/k/v projections, logits.</summary>
    /// <param name="step">The step.</param>
    /// <param name="weights">[outputs, columns].</param>
    /// <param name="x">Input.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="y">[rows, yStride].</param>
    /// <param name="yStride">Values from one row to the next.</param>
    public static void Project(
        StepState step,
        TiledWeights weights,
        NormedRowsView x,
        int rows,
        ArrayView<float> y,
        int yStride
    )
    {
        var sums = SharedMemory.Allocate<float>(TileProduct.SharedWords);
        var scales = SharedMemory.Allocate<float>(TensorCore.Width);
        DependentLaunch.Release();
        var batch = TileProduct.FirstBatch(weights);
        var isCancelled = step.IsCancelled();
        Warp.Barrier();
        DependentLaunch.Wait();
        PublishScale(x, rows, scales);
        TileProduct.Accumulate(batch, weights, x.Values.Cast<Float4>(), x.Stride, rows, isCancelled, sums);

        var i = Group.IdxX;
        var output = Grid.IdxX * TensorCore.TileRows + i % TensorCore.TileRows;
        var column = i / TensorCore.TileRows;
        var row = Grid.IdxY * TensorCore.Width + column;
        if (i < TileProduct.TotalCount && row < rows && output < weights.Rows)
        {
            y[(long)row * yStride + output] = Exact.Multiply(
                TileProduct.Total(sums, i % TensorCore.TileRows, column),
                scales[column]
            );
        }
    }

    /// <summary>y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    /// <param name="step">The step.</param>
    /// <param name="weights">
    /// Gate and up in turns: of sixteen rows the first eight are gate's, the others the same rows of up.
    /// </param>
    /// <param name="x">Input.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="y">[rows, yStride].</param>
    /// <param name="yStride">Values from one row to the next.</param>
    public static void ProjectGated(
        StepState step,
        TiledWeights weights,
        NormedRowsView x,
        int rows,
        ArrayView<float> y,
        int yStride
    )
    {
        const int Outputs = TensorCore.TileRows / 2;
        var sums = SharedMemory.Allocate<float>(TileProduct.SharedWords);
        var scales = SharedMemory.Allocate<float>(TensorCore.Width);
        DependentLaunch.Release();
        var batch = TileProduct.FirstBatch(weights);
        var isCancelled = step.IsCancelled();
        Warp.Barrier();
        DependentLaunch.Wait();
        PublishScale(x, rows, scales);
        TileProduct.Accumulate(batch, weights, x.Values.Cast<Float4>(), x.Stride, rows, isCancelled, sums);

        var i = Group.IdxX;
        var output = Grid.IdxX * Outputs + i % Outputs;
        var column = i / Outputs;
        var row = Grid.IdxY * TensorCore.Width + column;
        if (column < TensorCore.Width && row < rows && output < weights.Rows / 2)
        {
            var gate = Exact.Multiply(TileProduct.Total(sums, i % Outputs, column), scales[column]);
            var up = Exact.Multiply(TileProduct.Total(sums, i % Outputs + Outputs, column), scales[column]);
            y[(long)row * yStride + output] = SwiGluKernel.Apply(gate, up);
        }
    }

    /// <summary>
    /// hidden[row] += W x[row], and the new hidden state with half of the next norm: output projections of attention and
    /// feed-forward blocks.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="weights">[hiddenSize, columns].</param>
    /// <param name="x">[rows, xStride].</param>
    /// <param name="xStride">Values from one row to the next.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="hidden">[rows, hiddenStride].</param>
    /// <param name="hiddenStride">Values from one row to the next.</param>
    /// <param name="normed">Receives the half-normed rows; its blocks are the grid's, 0 when no norm follows.</param>
    public static void AddToResidual(
        StepState step,
        TiledWeights weights,
        ArrayView<Float4> x,
        int xStride,
        int rows,
        ArrayView<float> hidden,
        int hiddenStride,
        NormedRowsView normed
    )
    {
        var sums = SharedMemory.Allocate<float>(TileProduct.SharedWords);
        DependentLaunch.Release();
        var first = TileProduct.FirstBatch(weights);
        var second = TileProduct.SecondBatch(weights);
        var isCancelled = step.IsCancelled();
        var i = Group.IdxX;
        var output = Grid.IdxX * TensorCore.TileRows + i % TensorCore.TileRows;
        var column = i / TensorCore.TileRows;
        var row = Grid.IdxY * TensorCore.Width + column;
        var isReal = i < TileProduct.TotalCount && row < rows && output < weights.Rows;

        // Threads without an output read one that exists: nobody looks at it, and no branch delays the others.
        var realOutput = output < weights.Rows ? output : weights.Rows - 1;
        var at = (long)(row < rows ? row : rows - 1) * hiddenStride + realOutput;
        var normWeight = normed.Weight[realOutput];
        Warp.Barrier();
        DependentLaunch.Wait();
        var before = hidden[at];
        Warp.Barrier();
        TileProduct.AccumulateDeep(first, second, weights, x, xStride, rows, isCancelled, sums);
        if (i >= TileProduct.TotalCount)
        {
            return;
        }

        var value = 0f;
        if (isReal)
        {
            value = Exact.Add(before, TileProduct.Total(sums, i % TensorCore.TileRows, column));
            hidden[at] = value;
        }

        if (normed.Blocks == 0)
        {
            return;
        }

        var squares = NormScale.BlockSum(value);
        if (isReal)
        {
            normed.Values[(long)row * normed.Stride + output] = Exact.Multiply(value, normWeight);
            if (i % TensorCore.TileRows == 0)
            {
                normed.Partials[(long)row * normed.Blocks + Grid.IdxX] = squares;
            }
        }
    }

    /// <summary>Warp w finds the scale of the group's w-th row while its weights are on the way.</summary>
    private static void PublishScale(NormedRowsView x, int rows, ArrayView<float> scales)
    {
        var column = Group.IdxX / GroupSum.WarpSize;
        var row = Grid.IdxY * TensorCore.Width + column;
        var scale = NormScale.OfRow(x, row < rows ? row : rows - 1);
        if (Group.IdxX % GroupSum.WarpSize == 0)
        {
            scales[column] = scale;
        }
    }
}
