using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>
/// y = W x for up to eight rows of x at a time, with bf16 weights, and the operation that follows each product (scale of the norm,
/// SwiGLU, or residual and partial sums of the next norm). Grid: [groups of the schedule, groups of eight rows of x]; a group
/// computes with <see cref="ProductRing{TForm}"/>.
/// </summary>
/// <remarks>
/// Shapes: weights [outputs, columns] in tiles, columns padded with zeros to <see cref="RowSplits.PaddedColumns"/>; x in
/// <see cref="TileOrder"/> with the same padding. Sixteen-byte alignment. NaN gives NaN, and so does an infinite x, whose
/// low part is NaN. In and out do not overlap, except that AddToResidual updates its target in place. Reference: ReferenceOps.MatMul
/// of the tests.
/// <para>Versions, with a LLaMA-2-7B step of width 1 at context 512; docs/gpu-log.md has the tables:</para>
/// <para>1. A kernel for each operation, loads into registers: launch-bound, 0.25 ms for four layers of a 14M model.</para>
/// <para>2. Tensor cores, norm and residual fused, graphs with programmatic edges, 4.08 ms: 5 to 9 us a kernel are lost at its edges.</para>
/// <para>3. Weights past the first-level cache, 3.84 ms (H200): streamed weights had evicted x, which all groups read.</para>
/// <para>4. A ring in shared memory filled by cp.async, 6.06 ms, then 3.74 with sums in named registers, a stage in one piece of
/// assembly and only dynamic shared memory: bytes in flight decide, and instructions count with eight warps a multiprocessor.</para>
/// <para>5. Units of four row blocks, up to twelve stages, separate loops for whole, partial and no units, 3.65 ms: branches cost
/// what ten instructions do.</para>
/// <para>6. x past the first-level cache and in the order of tiles: width 8 costs 1.05 times width 1 instead of 1.10 (H100).</para>
/// </remarks>
internal static class ProductKernels
{
    /// <summary>One group a multiprocessor: its shared memory is the ring's.</summary>
    public static KernelSpecialization Specialization { get; } = new(RingMemory.GroupSize, 1);

    /// <summary>y[row] = W norm(x[row]): q/k/v projections, logits.</summary>
    /// <param name="source">Weights [outputs, columns] and x.</param>
    /// <param name="y">[rows, yStride].</param>
    /// <param name="yStride">Values from one row to the next.</param>
    public static void Project<TForm>(StepState step, ProductSource source, ArrayView<float> y, int yStride)
        where TForm : struct, IRingForm
    {
        DependentLaunch.Release();
        UnitSums.Declare();
        var ring = new ProductRing<TForm>();
        if (!ring.Open(step, source))
        {
            return;
        }

        var scaled = RowOfWarp(source.Rows);
        var partials = NormScale.LoadFirst(source.X, scaled);

        // They arrive while the first unit is multiplied.
        Warp.Barrier();
        var shift = TForm.IsQuad ? 6 : 5;
        var output = Group.IdxX & ((1 << shift) - 1);
        var firstRow = Grid.IdxY * TensorCore.Width;
        for (var unit = 0; unit < ring.Units; unit++)
        {
            ring.Accumulate();
            if (unit == 0)
            {
                Publish(NormScale.OfRow(partials, source.X, scaled), ring.Scales);
            }

            Group.Barrier();
            var outputs = source.Schedule.BlockCount(Grid.IdxX, unit) * TensorCore.TileRows;
            var at = source.Schedule.FirstBlock(Grid.IdxX, unit) * TensorCore.TileRows + output;
            var isReal = output < outputs && at < source.Weights.Rows;
            for (var column = Group.IdxX >> shift; column < ring.Width; column += RingMemory.GroupSize >> shift)
            {
                if (isReal && firstRow + column < source.Rows)
                {
                    y[(long)(firstRow + column) * yStride + at] = UnfusedMath.Multiply(
                        ring.Total(output, column),
                        ring.Scales[column]
                    );
                }
            }
        }

        SharedCopy.WaitForAll();
    }

    /// <summary>y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    /// <param name="source">
    /// Gate and up in turns: of sixteen rows the first eight are gate's, the others the same rows of up; and x.
    /// </param>
    /// <param name="y">[rows, yStride] in <see cref="TileOrder"/>.</param>
    /// <param name="yStride">Values of a row with their padding.</param>
    public static void ProjectGated<TForm>(StepState step, ProductSource source, ArrayView<float> y, int yStride)
        where TForm : struct, IRingForm
    {
        const int BlockOutputs = TensorCore.TileRows / 2;
        DependentLaunch.Release();
        UnitSums.Declare();
        var ring = new ProductRing<TForm>();
        if (!ring.Open(step, source))
        {
            return;
        }

        var scaled = RowOfWarp(source.Rows);
        var partials = NormScale.LoadFirst(source.X, scaled);

        // They arrive while the first unit is multiplied.
        Warp.Barrier();
        var shift = TForm.IsQuad ? 5 : 4;
        var output = Group.IdxX & ((1 << shift) - 1);
        var gateAt = (output & ~(BlockOutputs - 1)) * 2 + (output & (BlockOutputs - 1));
        var column = Group.IdxX >> shift;
        var row = Grid.IdxY * TensorCore.Width + column;
        for (var unit = 0; unit < ring.Units; unit++)
        {
            ring.Accumulate();
            if (unit == 0)
            {
                Publish(NormScale.OfRow(partials, source.X, scaled), ring.Scales);
            }

            Group.Barrier();
            var outputs = source.Schedule.BlockCount(Grid.IdxX, unit) * BlockOutputs;
            var at = source.Schedule.FirstBlock(Grid.IdxX, unit) * BlockOutputs + output;
            if (column < ring.Width && row < source.Rows && output < outputs && at < source.Weights.Rows / 2)
            {
                var gate = UnfusedMath.Multiply(ring.Total(gateAt, column), ring.Scales[column]);
                var up = UnfusedMath.Multiply(ring.Total(gateAt + BlockOutputs, column), ring.Scales[column]);
                y[TileOrder.At(row, at, yStride)] = SwiGluKernel.Apply(gate, up);
            }
        }

        SharedCopy.WaitForAll();
    }

    /// <summary>
    /// hidden[row] += W x[row], and the new hidden state with half of the next norm: output projections of attention and
    /// feed-forward blocks.
    /// </summary>
    /// <param name="source">Weights [hiddenSize, columns] and x, which has no norm.</param>
    /// <param name="hidden">[rows, hiddenStride].</param>
    /// <param name="hiddenStride">Values from one row to the next.</param>
    /// <param name="normed">Receives the half-normed rows; its blocks are the matrix's, 0 when no norm follows.</param>
    public static void AddToResidual<TForm>(
        StepState step,
        ProductSource source,
        ArrayView<float> hidden,
        int hiddenStride,
        NormedRowsView normed
    )
        where TForm : struct, IRingForm
    {
        DependentLaunch.Release();
        UnitSums.Declare();
        var ring = new ProductRing<TForm>();
        if (!ring.Open(step, source))
        {
            return;
        }

        var shift = TForm.IsQuad ? 6 : 5;
        var output = Group.IdxX & ((1 << shift) - 1);
        var column = Group.IdxX >> shift;
        var otherColumn = column + (RingMemory.GroupSize >> shift);
        var row = Grid.IdxY * TensorCore.Width + column;
        var otherRow = Grid.IdxY * TensorCore.Width + otherColumn;
        for (var unit = 0; unit < ring.Units; unit++)
        {
            var block = source.Schedule.FirstBlock(Grid.IdxX, unit);
            var outputs = source.Schedule.BlockCount(Grid.IdxX, unit) * TensorCore.TileRows;
            var place = block * TensorCore.TileRows + output;
            var isReal = output < outputs && place < source.Weights.Rows;

            // Threads without an output read an existing one and discard it, because a branch would delay the others.
            var realPlace = isReal ? place : 0;
            var lastRow = source.Rows - 1;
            var normWeight = normed.Weight[realPlace];
            var before = hidden[(long)(row < lastRow ? row : lastRow) * hiddenStride + realPlace];
            var otherBefore = hidden[(long)(otherRow < lastRow ? otherRow : lastRow) * hiddenStride + realPlace];
            Warp.Barrier();
            ring.Accumulate();
            Group.Barrier();
            if (column < ring.Width)
            {
                var isOwn = isReal && row < source.Rows;
                var value = isOwn ? UnfusedMath.Add(before, ring.Total(output, column)) : 0f;
                Store(isOwn, value, normWeight, row, place, hidden, hiddenStride, normed);
            }

            if (otherColumn < ring.Width)
            {
                var isOwn = isReal && otherRow < source.Rows;
                var value = isOwn ? UnfusedMath.Add(otherBefore, ring.Total(output, otherColumn)) : 0f;
                Store(isOwn, value, normWeight, otherRow, place, hidden, hiddenStride, normed);
            }
        }

        SharedCopy.WaitForAll();
    }

    /// <summary>Stores a value of the hidden state and what the next norm needs. All lanes of a warp must arrive.</summary>
    private static void Store(
        bool isOwn,
        float value,
        float normWeight,
        int row,
        int place,
        ArrayView<float> hidden,
        int hiddenStride,
        NormedRowsView normed
    )
    {
        if (isOwn)
        {
            hidden[(long)row * hiddenStride + place] = value;
        }

        if (normed.Blocks > 0)
        {
            var squares = NormScale.BlockSum(value);
            if (isOwn)
            {
                normed.Values[TileOrder.At(row, place, normed.Stride)] = UnfusedMath.Multiply(value, normWeight);
                if ((Group.IdxX & (TensorCore.TileRows - 1)) == 0)
                {
                    normed.Partials[(long)row * normed.Blocks + (place >> 4)] = squares;
                }
            }
        }
    }

    /// <summary>Warp w finds the scale of the group's w-th row.</summary>
    private static int RowOfWarp(int rows)
    {
        var row = Grid.IdxY * TensorCore.Width + (Group.IdxX >> 5);
        return row < rows ? row : rows - 1;
    }

    private static void Publish(float scale, ArrayView<float> scales)
    {
        if ((Group.IdxX & (GroupSum.WarpSize - 1)) == 0)
        {
            scales[Group.IdxX >> 5] = scale;
        }
    }
}
