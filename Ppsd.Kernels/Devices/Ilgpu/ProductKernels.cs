using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Products with bf16 weights and what is done to their totals on the way out. A group is <see cref="ProductRing"/>'s; the
/// grid is [groups of the schedule, eights of rows of x].
/// </summary>
internal static class ProductKernels
{
    /// <summary>One group a multiprocessor: its shared memory is the ring's.</summary>
    public static KernelSpecialization Specialization { get; } = new(ProductRing.GroupSize, 1);

    /// <summary>y[row] = W norm(x[row]): q/k/v projections, logits.</summary>
    /// <param name="step">The step.</param>
    /// <param name="source">Weights [outputs, columns] and x.</param>
    /// <param name="y">[rows, yStride].</param>
    /// <param name="yStride">Values from one row to the next.</param>
    public static void Project(StepState step, ProductSource source, ArrayView<float> y, int yStride)
    {
        DependentLaunch.Release();
        PairTiles.Declare();
        var ring = new ProductRing();
        if (!ring.Open(step, source))
        {
            return;
        }

        var scale = ScaleOfWarp(source);
        var i = Group.IdxX;
        var output = i & (ProductRing.UnitOutputs - 1);
        var column = i >> 5;
        var row = Grid.IdxY * TensorCore.Width + column;
        for (var unit = 0; unit < ring.Units; unit++)
        {
            ring.Accumulate();
            Publish(scale, ring.Scales);
            Group.Barrier();
            var outputs = source.Schedule.BlockCount(Grid.IdxX, unit) * TensorCore.TileRows;
            var at = source.Schedule.FirstBlock(Grid.IdxX, unit) * TensorCore.TileRows + output;
            if (row < source.Rows && output < outputs && at < source.Weights.Rows)
            {
                y[(long)row * yStride + at] = Exact.Multiply(ring.Total(output, column), ring.Scales[column]);
            }

            Group.Barrier();
        }

        SharedCopy.WaitForAll();
    }

    /// <summary>y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    /// <param name="step">The step.</param>
    /// <param name="source">
    /// Gate and up in turns: of sixteen rows the first eight are gate's, the others the same rows of up; and x.
    /// </param>
    /// <param name="y">[rows, yStride].</param>
    /// <param name="yStride">Values from one row to the next.</param>
    public static void ProjectGated(StepState step, ProductSource source, ArrayView<float> y, int yStride)
    {
        const int BlockOutputs = TensorCore.TileRows / 2;
        const int Outputs = UnitSchedule.BlocksPerUnit * BlockOutputs;
        DependentLaunch.Release();
        PairTiles.Declare();
        var ring = new ProductRing();
        if (!ring.Open(step, source))
        {
            return;
        }

        var scale = ScaleOfWarp(source);
        var i = Group.IdxX;
        var output = i & (Outputs - 1);
        var gateAt = (output & ~(BlockOutputs - 1)) * 2 + (output & (BlockOutputs - 1));
        var column = i >> 4;
        var row = Grid.IdxY * TensorCore.Width + column;
        for (var unit = 0; unit < ring.Units; unit++)
        {
            ring.Accumulate();
            Publish(scale, ring.Scales);
            Group.Barrier();
            var outputs = source.Schedule.BlockCount(Grid.IdxX, unit) * BlockOutputs;
            var at = source.Schedule.FirstBlock(Grid.IdxX, unit) * BlockOutputs + output;
            if (column < TensorCore.Width && row < source.Rows && output < outputs && at < source.Weights.Rows / 2)
            {
                var gate = Exact.Multiply(ring.Total(gateAt, column), ring.Scales[column]);
                var up = Exact.Multiply(ring.Total(gateAt + BlockOutputs, column), ring.Scales[column]);
                y[(long)row * yStride + at] = SwiGluKernel.Apply(gate, up);
            }

            Group.Barrier();
        }

        SharedCopy.WaitForAll();
    }

    /// <summary>
    /// hidden[row] += W x[row], and the new hidden state with half of the next norm: output projections of attention and
    /// feed-forward blocks.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="source">Weights [hiddenSize, columns] and x, which has no norm.</param>
    /// <param name="hidden">[rows, hiddenStride].</param>
    /// <param name="hiddenStride">Values from one row to the next.</param>
    /// <param name="normed">Receives the half-normed rows; its blocks are the matrix's, 0 when no norm follows.</param>
    public static void AddToResidual(
        StepState step,
        ProductSource source,
        ArrayView<float> hidden,
        int hiddenStride,
        NormedRowsView normed
    )
    {
        DependentLaunch.Release();
        PairTiles.Declare();
        var ring = new ProductRing();
        if (!ring.Open(step, source))
        {
            return;
        }

        var i = Group.IdxX;
        var output = i & (ProductRing.UnitOutputs - 1);
        var column = i >> 5;
        var row = Grid.IdxY * TensorCore.Width + column;
        for (var unit = 0; unit < ring.Units; unit++)
        {
            var block = source.Schedule.FirstBlock(Grid.IdxX, unit);
            var outputs = source.Schedule.BlockCount(Grid.IdxX, unit) * TensorCore.TileRows;
            var place = block * TensorCore.TileRows + output;
            var isReal = row < source.Rows && output < outputs && place < source.Weights.Rows;

            // Threads without an output read one that exists: nobody looks at it, and no branch delays the others.
            var realPlace = isReal ? place : 0;
            var at = (long)(row < source.Rows ? row : source.Rows - 1) * hiddenStride + realPlace;
            var normWeight = normed.Weight[realPlace];
            var before = hidden[at];
            Warp.Barrier();
            ring.Accumulate();
            Group.Barrier();
            var value = 0f;
            if (isReal)
            {
                value = Exact.Add(before, ring.Total(output, column));
                hidden[at] = value;
            }

            if (normed.Blocks > 0)
            {
                var squares = NormScale.BlockSum(value);
                if (isReal)
                {
                    normed.Values[(long)row * normed.Stride + place] = Exact.Multiply(value, normWeight);
                    if ((i & (TensorCore.TileRows - 1)) == 0)
                    {
                        normed.Partials[(long)row * normed.Blocks + (place >> 4)] = squares;
                    }
                }
            }

            Group.Barrier();
        }

        SharedCopy.WaitForAll();
    }

    /// <summary>Warp w finds the scale of the group's w-th row while the ring fills.</summary>
    private static float ScaleOfWarp(in ProductSource source)
    {
        var row = Grid.IdxY * TensorCore.Width + (Group.IdxX >> 5);
        return NormScale.OfRow(source.X, row < source.Rows ? row : source.Rows - 1);
    }

    private static void Publish(float scale, ArrayView<float> scales)
    {
        if ((Group.IdxX & (GroupSum.WarpSize - 1)) == 0)
        {
            scales[(Group.IdxX >> 5)] = scale;
        }
    }
}
