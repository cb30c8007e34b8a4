using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// The heart of every product with bf16 weights for up to eight rows of x. A group of eight warps owns a unit of sixteen or
/// thirty-two outputs after another. Warp s adds up the tiles s, s + 8, s + 16, ... of its rows, in that order; a total is
/// the warps' sums added in the order of the warps. x, fp32, is split into two bf16 parts, high then low, so sums are nearly
/// those of fp32. The other seven rows of x change nothing in a row's result, and there is no other order at any width.
/// </summary>
/// <remarks>
/// Weights and x pass through a ring of <see cref="RingStage"/>s in shared memory, by copies that take no register: enough
/// of them are on the way to keep the memory busy, across units and, since weights need nothing from the kernel before,
/// before the group's input is ready. A thread copies what it will multiply itself, so the warps of a group meet only where
/// their sums do.
/// </remarks>
internal struct ProductRing
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = Splits * GroupSum.WarpSize;

    /// <summary>Warps that share a row's tiles.</summary>
    public const int Splits = 8;

    /// <summary>Outputs of a unit.</summary>
    public const int UnitOutputs = UnitSchedule.BlocksPerUnit * TensorCore.TileRows;

    /// <summary>Columns that a stage holds of a row.</summary>
    public const int StageColumns = Splits * RingStage.Rounds * TensorCore.TileColumns;

    /// <summary>Stages where shared memory allows; fewer are half as many, or a quarter.</summary>
    public const int MaxStageCount = 8;

    /// <summary>Words of sums from one row of x to the next: neither writing nor reading sums meets a bank twice.</summary>
    public const int SumStride = UnitOutputs + 4;

    private const int SplitWords = TensorCore.Width * SumStride;
    private const int SumWords = Splits * SplitWords;
    private const int ScaleLoads = TensorCore.Width / 4;

    private ArrayView<UInt4> _ring;
    private ArrayView<float> _sums;
    private ArrayView<float> _scales;
    private ArrayView<UInt4> _weights;
    private ArrayView<UInt4> _x;
    private UnitSchedule _schedule;
    private long _weightAddress;
    private long _xAddress;
    private long _blockLoads;
    private int _own;
    private int _sumAddress;
    private int _depth;
    private int _stages;
    private int _units;

    // The next copies.
    private int _copyUnit;
    private int _copyStage;
    private int _copyBlocks;
    private long _weightFrom;
    private long _rowStart;
    private long _rowFrom;
    private int _rowStage;

    // The stage that is multiplied next, and the one before it, which is filled next.
    private int _slot;
    private int _freeSlot;

    /// <summary>Units of this group.</summary>
    public readonly int Units => _units;

    /// <summary>Shared memory for the scales of the group's rows of x.</summary>
    public readonly ArrayView<float> Scales => _scales;

    /// <summary>
    /// Loads of dynamic shared memory that a group takes: the ring, the warps' sums, the scales, a word. All of it is
    /// dynamic, because what a kernel declares lies in front, and copies to a ring that does not begin on a line of 128
    /// bytes move each line twice.
    /// </summary>
    public static int SharedLoads(int stages) => stages * RingStage.Loads + SumWords / 4 + ScaleLoads + 1;

    /// <summary>
    /// Orders the first weights, waits for the kernel before, then orders the first x. False when nobody will look at the
    /// results: the kernel must return.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="source">Weights and x.</param>
    public bool Open(StepState step, in ProductSource source)
    {
        _depth = source.RingStages;
        _ring = SharedMemory.GetDynamic<UInt4>();
        var rest = _depth * RingStage.Loads;
        _sums = _ring.SubView(rest, SumWords / 4).Cast<float>();
        _scales = _ring.SubView(rest + SumWords / 4, ScaleLoads).Cast<float>();
        var cancelled = _ring.SubView(rest + SumWords / 4 + ScaleLoads, 1).Cast<int>();
        _own = RingStage.OwnAddress();
        _sumAddress = _own - Group.IdxX * 16 + _depth * RingStage.ByteCount;
        _weights = source.Weights.Loads;
        _weightAddress = source.WeightAddress;
        _schedule = source.Schedule;
        _x = source.X.Values.Cast<UInt4>();
        _xAddress = source.XAddress;
        _blockLoads = (long)source.Weights.TilesPerRow * GroupSum.WarpSize;
        _stages = source.Weights.TilesPerRow / (Splits * RingStage.Rounds);
        _units = _schedule.UnitCount(Grid.IdxX);
        _copyUnit = 0;
        BeginUnit();
        for (var slot = 0; slot < _depth - 1; slot++)
        {
            CopyWeights(slot);
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
        _rowStart = (long)row * (source.X.Stride >> 2) + (Group.IdxX >> 5) * 4 + (lane & 3);
        _rowFrom = _rowStart;
        _rowStage = 0;
        for (var slot = 0; slot < _depth - 1; slot++)
        {
            CopyRows(slot);
            SharedCopy.Commit();
        }

        _slot = 0;
        _freeSlot = _depth - 1;
        return true;
    }

    /// <summary>Leaves the warps' sums of the next unit in shared memory; a barrier must follow.</summary>
    public void Accumulate()
    {
        var tiles = new PairTiles();
        tiles.Clear();
        for (var stage = 0; stage < _stages; stage++)
        {
            CopyWeights(_freeSlot);
            CopyRows(_freeSlot);
            SharedCopy.Commit();
            SharedCopy.WaitForAllBut(_depth - 1);
            RingStage.Multiply(_ring, _own, _slot, ref tiles);
            _freeSlot = _slot;
            _slot = (_slot + 1) & (_depth - 1);
        }

        var first = (Group.IdxX >> 5) * SplitWords;
        tiles.Store(_sums.SubView(first, SplitWords), _sumAddress + first * sizeof(float));
    }

    /// <summary>A total, after <see cref="Accumulate"/> and a barrier.</summary>
    /// <param name="output">Output of the unit.</param>
    /// <param name="column">Row of x, from the group's first.</param>
    public readonly float Total(int output, int column)
    {
        var at = column * SumStride + output;
        var total = _sums[at];
        total = Exact.Add(total, _sums[at + SplitWords]);
        total = Exact.Add(total, _sums[at + 2 * SplitWords]);
        total = Exact.Add(total, _sums[at + 3 * SplitWords]);
        total = Exact.Add(total, _sums[at + 4 * SplitWords]);
        total = Exact.Add(total, _sums[at + 5 * SplitWords]);
        total = Exact.Add(total, _sums[at + 6 * SplitWords]);
        return Exact.Add(total, _sums[at + 7 * SplitWords]);
    }

    /// <summary>Points at the thread's first load of the unit that is copied next.</summary>
    private void BeginUnit()
    {
        _copyStage = 0;
        if (_copyUnit >= _units)
        {
            _copyBlocks = 0;
            return;
        }

        _copyBlocks = _schedule.BlockCount(Grid.IdxX, _copyUnit);
        _weightFrom = _schedule.FirstBlock(Grid.IdxX, _copyUnit) * _blockLoads + Group.IdxX;
    }

    /// <summary>Copies a stage of weights; nothing past the last unit.</summary>
    private void CopyWeights(int slot)
    {
        if (_copyBlocks > 0)
        {
            RingStage.CopyFirst(_ring, _own, slot, _weights, _weightAddress, _weightFrom);
        }

        if (_copyBlocks > 1)
        {
            RingStage.CopySecond(_ring, _own, slot, _weights, _weightAddress, _weightFrom + _blockLoads);
        }

        _weightFrom += RingStage.Rounds * RingStage.TileStride;
        _copyStage++;
        if (_copyStage == _stages)
        {
            _copyUnit++;
            BeginUnit();
        }
    }

    /// <summary>Copies a stage of x; every unit reads the same.</summary>
    private void CopyRows(int slot)
    {
        RingStage.CopyRows(_ring, _own, slot, _x, _xAddress, _rowFrom);
        _rowFrom += RingStage.Rounds * RingStage.RowStride;
        _rowStage++;
        if (_rowStage == _stages)
        {
            _rowStage = 0;
            _rowFrom = _rowStart;
        }
    }
}
