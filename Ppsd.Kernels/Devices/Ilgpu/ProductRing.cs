using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// The heart of every product with bf16 weights for up to eight rows of x. A group of eight warps owns a unit of sixteen or
/// thirty-two outputs after another. Warp s adds up the tiles s, s + 8, s + 16, ... of its rows, in that order; a total is
/// the warps' sums added in the order of the warps. x, fp32, is split into two bf16 parts, high then low, so sums are nearly
/// those of fp32. The other seven rows of x change nothing in a row's result, and there is no other order at any width.
/// </summary>
/// <remarks>
/// Weights and x pass through a ring in shared memory, up to <see cref="MaxStageCount"/> stages deep, by copies that take no
/// register: enough of them are on the way to keep the memory busy, across units and, since weights need nothing from the
/// kernel before, before the group's input is ready. A thread copies what it will multiply itself, so the warps of a group
/// meet only where their sums do.
/// </remarks>
internal struct ProductRing
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = Splits * GroupSum.WarpSize;

    /// <summary>Warps that share a row's tiles.</summary>
    public const int Splits = 8;

    /// <summary>Outputs of a unit.</summary>
    public const int UnitOutputs = UnitSchedule.BlocksPerUnit * TensorCore.TileRows;

    /// <summary>Words of shared memory the sums take.</summary>
    public const int SumWords = Splits * SplitWords;

    /// <summary>Stages of the ring where shared memory allows; fewer are half as many, or a quarter.</summary>
    public const int MaxStageCount = 8;

    /// <summary>Loads of sixteen bytes of dynamic shared memory that a stage takes.</summary>
    public const int SharedLoads = StageLoads * GroupSize;

    // Tiles of a row block that a warp multiplies in a stage.
    private const int Rounds = 2;

    // A thread's loads of a stage: two row blocks, then x.
    private const int StageLoads = 3 * Rounds;
    private const int SecondBlock = Rounds;
    private const int Rows = 2 * Rounds;

    // Rows of x lie so far apart that neither writing nor reading sums meets a bank twice.
    private const int SumStride = UnitOutputs + 4;
    private const int SplitWords = TensorCore.Width * SumStride;

    private ArrayView<UInt4> _ring;
    private int _own;
    private TiledWeights _weights;
    private UnitSchedule _schedule;
    private ArrayView<UInt4> _x;
    private long _weightAddress;
    private long _xAddress;
    private long _xAt;
    private int _depth;
    private int _rounds;
    private int _stages;
    private int _units;

    // The next copies of weights and of x.
    private int _copyUnit;
    private int _copyStage;
    private int _copySlot;
    private long _copyFrom;
    private int _copyBlocks;
    private int _xStage;
    private int _xSlot;

    // The next stage to multiply.
    private int _slot;

    /// <summary>Units of this group.</summary>
    public readonly int Units => _units;

    /// <summary>
    /// Orders the first weights, waits for the kernel before, then orders the first x. False when nobody will look at the
    /// results: the kernel must return.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="source">Weights and x.</param>
    /// <param name="cancelled">Shared memory, one word.</param>
    public bool Open(StepState step, in ProductSource source, ArrayView<int> cancelled)
    {
        _ring = SharedMemory.GetDynamic<UInt4>();
        _own = SharedCopy.OwnAddress();
        _weights = source.Weights;
        _weightAddress = source.WeightAddress;
        _schedule = source.Schedule;
        _x = source.X.Values.Cast<UInt4>();
        _xAddress = source.XAddress;
        _depth = source.RingStages;
        _rounds = _weights.TilesPerRow >> 3;
        _stages = (_rounds + Rounds - 1) / Rounds;
        _units = _schedule.UnitCount(Grid.IdxX);
        _copyUnit = 0;
        _copyStage = 0;
        _copySlot = 0;
        _xStage = 0;
        _xSlot = 0;
        _slot = 0;
        BeginUnit();
        for (var i = 0; i < _depth - 1; i++)
        {
            CopyWeights();
            SharedCopy.Commit();
        }

        if (Group.IdxX == 0)
        {
            cancelled[0] = step.Current[0] == step.Cancelled[0] ? 1 : 0;
        }

        Group.Barrier();
        DependentLaunch.Wait();
        if (cancelled[0] != 0)
        {
            SharedCopy.WaitForAll();
            return false;
        }

        // Lanes beyond the last row of x repeat it, and nobody reads their sums.
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var row = Grid.IdxY * TensorCore.Width + (lane >> 2);
        row = row < source.Rows ? row : source.Rows - 1;
        _xAt = (long)row * (source.X.Stride >> 2) + (Group.IdxX >> 5) * 4 + (lane & 3);
        for (var i = 0; i < _depth - 1; i++)
        {
            CopyRows();
            SharedCopy.Commit();
        }

        return true;
    }

    /// <summary>Leaves the warps' sums of the next unit in shared memory; a barrier must follow.</summary>
    /// <param name="sums">Shared memory, <see cref="SumWords"/>.</param>
    public void Accumulate(ArrayView<float> sums)
    {
        var tiles = new TensorTiles();
        tiles.Clear(0);
        tiles.Clear(1);
        for (var stage = 0; stage < _stages; stage++)
        {
            CopyWeights();
            CopyRows();
            SharedCopy.Commit();
            SharedCopy.WaitForAllBut(_depth - 1);

            // Keeps the reads between the copies: the compiler would sink each to its use.
            Warp.Barrier();
            var at = _slot * SharedLoads + Group.IdxX;
            var first0 = _ring[at];
            var second0 = _ring[at + SecondBlock * GroupSize];
            var x0 = _ring[at + Rows * GroupSize];
            var first1 = _ring[at + GroupSize];
            var second1 = _ring[at + (SecondBlock + 1) * GroupSize];
            var x1 = _ring[at + (Rows + 1) * GroupSize];
            Warp.Barrier();
            Multiply(ref tiles, first0, second0, x0);
            if (stage * Rounds + 1 < _rounds)
            {
                Multiply(ref tiles, first1, second1, x1);
            }

            _slot = (_slot + 1) & (_depth - 1);
        }

        Publish(sums, tiles.Get(0), 0);
        Publish(sums, tiles.Get(1), TensorCore.TileRows);
    }

    /// <summary>A total, after <see cref="Accumulate"/> and a barrier.</summary>
    /// <param name="sums">Shared memory.</param>
    /// <param name="output">Output of the unit.</param>
    /// <param name="column">Row of x, from the group's first.</param>
    public static float Total(ArrayView<float> sums, int output, int column)
    {
        var at = column * SumStride + output;
        var total = sums[at];
        total = Exact.Add(total, sums[at + SplitWords]);
        total = Exact.Add(total, sums[at + 2 * SplitWords]);
        total = Exact.Add(total, sums[at + 3 * SplitWords]);
        total = Exact.Add(total, sums[at + 4 * SplitWords]);
        total = Exact.Add(total, sums[at + 5 * SplitWords]);
        total = Exact.Add(total, sums[at + 6 * SplitWords]);
        return Exact.Add(total, sums[at + 7 * SplitWords]);
    }

    private static void Multiply(ref TensorTiles tiles, UInt4 first, UInt4 second, UInt4 x)
    {
        var x0 = Interop.IntAsFloat(x.X);
        var x1 = Interop.IntAsFloat(x.Y);
        var x2 = Interop.IntAsFloat(x.Z);
        var x3 = Interop.IntAsFloat(x.W);
        var high0 = BFloat16.Pack(x0, x1);
        var high1 = BFloat16.Pack(x2, x3);
        var low0 = BFloat16.PackRest(x0, x1, high0);
        var low1 = BFloat16.PackRest(x2, x3, high1);
        tiles.Accumulate(0, first.X, first.Y, first.Z, first.W, high0, high1);
        tiles.Accumulate(1, second.X, second.Y, second.Z, second.W, high0, high1);
        tiles.Accumulate(0, first.X, first.Y, first.Z, first.W, low0, low1);
        tiles.Accumulate(1, second.X, second.Y, second.Z, second.W, low0, low1);
    }

    /// <summary>Leaves a lane's sums of a row block in the warp's part of the sums.</summary>
    private static void Publish(ArrayView<float> sums, in MmaTile tile, int firstOutput)
    {
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var at = (Group.IdxX >> 5) * SplitWords + 2 * (lane & 3) * SumStride + firstOutput + (lane >> 2);
        sums[at] = tile.C0;
        sums[at + SumStride] = tile.C1;
        sums[at + 8] = tile.C2;
        sums[at + SumStride + 8] = tile.C3;
    }

    /// <summary>Points at the thread's first load of the unit that is copied next.</summary>
    private void BeginUnit()
    {
        if (_copyUnit >= _units)
        {
            return;
        }

        var block = (long)_schedule.FirstBlock(Grid.IdxX, _copyUnit);
        _copyBlocks = _schedule.BlockCount(Grid.IdxX, _copyUnit);
        _copyFrom = block * _weights.TilesPerRow * GroupSum.WarpSize + Group.IdxX;
    }

    /// <summary>Copies a stage of weights; nothing past the last unit.</summary>
    private void CopyWeights()
    {
        if (_copyUnit >= _units)
        {
            return;
        }

        // Past the last round it is copied again, and nobody multiplies it.
        var to = _copySlot * SharedLoads;
        var round0 = _copyStage * Rounds;
        var round1 = round0 + 1 < _rounds ? round0 + 1 : round0;
        var from0 = _copyFrom + round0 * GroupSize;
        var from1 = _copyFrom + round1 * GroupSize;
        SharedCopy.Begin(_ring, _own, to, _weights.Loads, _weightAddress, from0);
        SharedCopy.Begin(_ring, _own, to + GroupSize, _weights.Loads, _weightAddress, from1);
        if (_copyBlocks == UnitSchedule.BlocksPerUnit)
        {
            var next = (long)_weights.TilesPerRow * GroupSum.WarpSize;
            SharedCopy.Begin(_ring, _own, to + SecondBlock * GroupSize, _weights.Loads, _weightAddress, from0 + next);
            SharedCopy.Begin(_ring, _own, to + (SecondBlock + 1) * GroupSize, _weights.Loads, _weightAddress, from1 + next);
        }

        _copySlot = (_copySlot + 1) & (_depth - 1);
        _copyStage++;
        if (_copyStage == _stages)
        {
            _copyStage = 0;
            _copyUnit++;
            BeginUnit();
        }
    }

    /// <summary>Copies a stage of x; units follow each other with the same.</summary>
    private void CopyRows()
    {
        const int RoundLoads = Splits * TensorCore.TileColumns / 4;
        var to = _xSlot * SharedLoads + Rows * GroupSize;
        var round0 = _xStage * Rounds;
        var round1 = round0 + 1 < _rounds ? round0 + 1 : round0;
        SharedCopy.BeginKept(_ring, _own, to, _x, _xAddress, _xAt + round0 * RoundLoads);
        SharedCopy.BeginKept(_ring, _own, to + GroupSize, _x, _xAddress, _xAt + round1 * RoundLoads);
        _xSlot = (_xSlot + 1) & (_depth - 1);
        _xStage = _xStage + 1 == _stages ? 0 : _xStage + 1;
    }
}
