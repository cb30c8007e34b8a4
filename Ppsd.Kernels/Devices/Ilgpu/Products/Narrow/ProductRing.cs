using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>
/// The heart of every product with bf16 weights for up to eight rows of x. A group of eight warps owns a unit of up to
/// sixty-four outputs after another. Warp s adds up the tiles s, s + 8, s + 16, ... of its rows, in that order; a total
/// is the warps' sums added in the order of the warps. x, fp32, is split into two bf16 parts, high then low, so sums
/// are nearly those of fp32. Other rows of x do not affect a row's result, and the order is the same at any width.
/// </summary>
/// <remarks>
/// Weights and x pass through a ring of <see cref="RingStage"/>s in shared memory, by copies that take no register:
/// enough of them are on the way to keep the memory busy, across units and, since weights need nothing from the kernel
/// before, before the group's input is ready. A thread copies what it will multiply itself, and requests the next stage
/// after it has multiplied one, so the warps of a group synchronize only for their sums. Few rows of x leave room for
/// more stages.
/// </remarks>
/// <typeparam name="TForm">How the ring is built.</typeparam>
internal struct ProductRing<TForm>
    where TForm : struct, IRingForm
{
    // Stages ordered before the group's input is ready. Copies are done in the order they were ordered, so the first x waits
    // for all of these weights: more of them delay the first product, fewer leave the memory idle until then.
    private const int EarlyStages = 8;

    private ArrayView<UInt4> _ring;
    private ArrayView<float> _sums;
    private ArrayView<float> _scales;
    private RingCopies<TForm> _copies;
    private int _sumAddress;
    private int _width;

    // Where the sums of the last unit begin, in words: units take turns, so that one barrier a unit is enough.
    private int _sumStart;

    /// <summary>Units of this group.</summary>
    public readonly int Units => _copies.Units;

    /// <summary>Rows of x in shared memory.</summary>
    public readonly int Width => _width;

    /// <summary>Shared memory for the scales of the group's rows of x.</summary>
    public readonly ArrayView<float> Scales => _scales;

    /// <summary>
    /// Requests the first weights, waits for the previous kernel, then requests the first x. False when the step was
    /// cancelled: the kernel must return.
    /// </summary>
    /// <param name="source">Weights and x.</param>
    public bool Open(StepState step, in ProductSource source)
    {
        // Requested first: behind the weights they would arrive late.
        var current = step.Current[0];
        var last = step.Cancelled[0];
        Warp.Barrier();
        _width = source.Width;
        _ring = SharedMemory.GetDynamic<UInt4>();
        var rest = RingMemory.RingLoads(TForm.Stages, _width);
        var sumLoads = 2 * RingMemory.SumWords(_width) / 4;
        _sums = _ring.SubView(rest, sumLoads).Cast<float>();
        _scales = _ring.SubView(rest + sumLoads, RingMemory.ScaleLoads).Cast<float>();
        var cancelled = _ring.SubView(rest + sumLoads + RingMemory.ScaleLoads, 1).Cast<int>();
        var start = SharedCopy.Start();
        _sumAddress = start + rest * SharedCopy.LoadBytes;
        _copies.Begin(_ring, start, source);
        var early = TForm.Stages < EarlyStages ? TForm.Stages : EarlyStages;
        _copies.OrderWeights(early);
        if (Group.IdxX == 0)
        {
            cancelled[0] = current == last ? 1 : 0;
        }

        Group.Barrier();
        DependentLaunch.Wait();
        if (cancelled[0] != 0)
        {
            SharedCopy.WaitForAll();
            return false;
        }

        _copies.OrderRows(source, early);
        _sumStart = RingMemory.SumWords(_width);
        return true;
    }

    /// <summary>Stores the warps' sums of the next unit in shared memory; a barrier must follow.</summary>
    public void Accumulate()
    {
        var tiles = new UnitSums();
        tiles.Clear();
        for (var done = 0; done < _copies.Stages; )
        {
            // Up to where the unit that is multiplied or the one that is copied ends.
            var count = _copies.Stages - (done > _copies.Stage ? done : _copies.Stage);
            if (TForm.IsQuad)
            {
                RunQuad(ref tiles, count);
            }
            else
            {
                RunPair(ref tiles, count);
            }

            done += count;
            _copies.Passed(count);
        }

        _sumStart = RingMemory.SumWords(_width) - _sumStart;
        var splitWords = _width * RingMemory.SumStride;
        var first = _sumStart + (Group.IdxX >> 5) * splitWords;
        tiles.Store(_sums.SubView(first, splitWords), _sumAddress + first * sizeof(float), _width);
    }

    /// <summary>A total, after <see cref="Accumulate"/> and a barrier.</summary>
    /// <param name="output">Output of the unit.</param>
    /// <param name="column">Row of x, from the group's first.</param>
    public readonly float Total(int output, int column)
    {
        var splitWords = _width * RingMemory.SumStride;
        var at = _sumStart + column * RingMemory.SumStride + output;
        if (CudaAsm.IsSupported)
        {
            // In one piece: each value that assembly returns is stored to memory first.
            CudaAsm.Emit(
                "{ .reg .b32 at; .reg .f32 s<8>; ld.shared.f32 s0, [%1]; add.u32 at, %1, %2; ld.shared.f32 s1, [at]; "
                    + "add.u32 at, at, %2; ld.shared.f32 s2, [at]; add.u32 at, at, %2; ld.shared.f32 s3, [at]; "
                    + "add.u32 at, at, %2; ld.shared.f32 s4, [at]; add.u32 at, at, %2; ld.shared.f32 s5, [at]; "
                    + "add.u32 at, at, %2; ld.shared.f32 s6, [at]; add.u32 at, at, %2; ld.shared.f32 s7, [at]; "
                    + "add.rn.f32 s0, s0, s1; add.rn.f32 s0, s0, s2; add.rn.f32 s0, s0, s3; add.rn.f32 s0, s0, s4; "
                    + "add.rn.f32 s0, s0, s5; add.rn.f32 s0, s0, s6; add.rn.f32 %0, s0, s7; }",
                out float sum,
                _sumAddress + at * sizeof(float),
                splitWords * sizeof(float)
            );
            return sum;
        }

        var total = _sums[at];
        for (var split = 1; split < RowSplits.Count; split++)
        {
            total += _sums[at + split * splitWords];
        }

        return total;
    }

    // A separate loop for each case: with two warps per scheduler every branch counts. A thread requests its next stage
    // after it has read its part of one, which no other thread reads.
    private void RunQuad(ref UnitSums tiles, int stages)
    {
        if (_copies.Blocks == UnitSchedule.QuadBlocks)
        {
            for (var stage = 0; stage < stages; stage++)
            {
                SharedCopy.WaitForAllBut(TForm.Stages - 1);
                MultiplyQuad(ref tiles);
                _copies.CopyFullQuad();
                _copies.Advance();
            }
        }
        else if (_copies.Blocks > 0)
        {
            for (var stage = 0; stage < stages; stage++)
            {
                SharedCopy.WaitForAllBut(TForm.Stages - 1);
                MultiplyQuad(ref tiles);
                _copies.CopyQuad();
                _copies.Advance();
            }
        }
        else
        {
            for (var stage = 0; stage < stages; stage++)
            {
                SharedCopy.WaitForAllBut(TForm.Stages - 1);
                MultiplyQuad(ref tiles);
                SharedCopy.Commit();
                _copies.Advance();
            }
        }
    }

    private void RunPair(ref UnitSums tiles, int stages)
    {
        if (_copies.Blocks == UnitSchedule.PairBlocks)
        {
            for (var stage = 0; stage < stages; stage++)
            {
                SharedCopy.WaitForAllBut(TForm.Stages - 1);
                MultiplyPair(ref tiles);
                _copies.CopyFullPair();
                _copies.Advance();
            }
        }
        else if (_copies.Blocks > 0)
        {
            for (var stage = 0; stage < stages; stage++)
            {
                SharedCopy.WaitForAllBut(TForm.Stages - 1);
                MultiplyPair(ref tiles);
                _copies.CopyPair();
                _copies.Advance();
            }
        }
        else
        {
            for (var stage = 0; stage < stages; stage++)
            {
                SharedCopy.WaitForAllBut(TForm.Stages - 1);
                MultiplyPair(ref tiles);
                SharedCopy.Commit();
                _copies.Advance();
            }
        }
    }

    private readonly void MultiplyQuad(ref UnitSums tiles)
    {
        if (CudaAsm.IsSupported)
        {
            UnitSums.AddQuad(_copies.WeightsAt, _copies.RowAt);
            return;
        }

        Warp.Barrier();
        tiles.SimulateQuad(WeightsOfWarp(), RowsOfWarp(), _width);
        Warp.Barrier();
    }

    private readonly void MultiplyPair(ref UnitSums tiles)
    {
        if (CudaAsm.IsSupported)
        {
            UnitSums.AddPair(_copies.WeightsAt, _copies.RowAt, _copies.SecondRowAt);
            return;
        }

        Warp.Barrier();
        tiles.SimulatePair(WeightsOfWarp(), RowsOfWarp(), _width);
        Warp.Barrier();
    }

    private readonly ArrayView<UInt4> WeightsOfWarp()
    {
        var first = Group.IdxX & ~(GroupSum.WarpSize - 1);
        return _ring.SubView(_copies.Slot * RingStage.WeightLoads + first, RingStage.WeightLoads - first);
    }

    private readonly ArrayView<UInt4> RowsOfWarp()
    {
        var first = RingStage.TileRowLoads(_width) / RowSplits.Count * (Group.IdxX >> 5);
        var stage = TForm.Stages * RingStage.WeightLoads + _copies.Slot * RingStage.RowLoads(_width);
        return _ring.SubView(stage + first, RingStage.RowLoads(_width) - first);
    }
}
