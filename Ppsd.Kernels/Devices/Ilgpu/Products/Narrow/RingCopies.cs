using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>
/// A thread's copies into a <see cref="ProductRing{TForm}"/>: which part of its matrix and of x is copied next, and to
/// where. The stage that is filled next is also the one that is multiplied next.
/// </summary>
/// <typeparam name="TForm">How the ring is built.</typeparam>
internal struct RingCopies<TForm>
    where TForm : struct, IRingForm
{
    private const int StageBytes = RingStage.WeightLoads * SharedCopy.LoadBytes;

    private ArrayView<UInt4> _ring;
    private ArrayView<UInt4> _weights;
    private ArrayView<UInt4> _x;
    private UnitSchedule _schedule;
    private int _stages;
    private int _units;

    // The next source.
    private int _unit;
    private int _stage;
    private int _blocks;
    private long _weightFrom;
    private long _rowFrom;
    private long _weightStart;
    private long _blockBytes;
    private long _rowStart;

    // The destination now and in the ring's first stage, and the end of the ring.
    private int _weightsAt;
    private int _rowAt;
    private int _firstWeightsAt;
    private int _firstRowAt;
    private int _endWeightsAt;
    private int _tileRowBytes;

    /// <summary>Stages of a unit.</summary>
    public readonly int Stages => _stages;

    /// <summary>Units of the group.</summary>
    public readonly int Units => _units;

    /// <summary>Row blocks of the unit that is copied; 0 past the last.</summary>
    public readonly int Blocks => _blocks;

    /// <summary>Stages of that unit that have been ordered.</summary>
    public readonly int Stage => _stage;

    /// <summary>Address of the thread's weights in the stage.</summary>
    public readonly int WeightsAt => _weightsAt;

    /// <summary>Address of its values of x there.</summary>
    public readonly int RowAt => _rowAt;

    /// <summary>Address of those for the second tile of columns, of a unit of two row blocks.</summary>
    public readonly int SecondRowAt => _rowAt + _tileRowBytes;

    /// <summary>Number of the stage.</summary>
    public readonly int Slot => (_weightsAt - _firstWeightsAt) / StageBytes;

    /// <summary>Points at the group's first unit and the ring's first stage.</summary>
    /// <param name="ring">The kernel's dynamic shared memory; the ring is the first of it.</param>
    /// <param name="start">From <see cref="SharedCopy.Start"/>.</param>
    /// <param name="source">Weights and x.</param>
    public void Begin(ArrayView<UInt4> ring, int start, in ProductSource source)
    {
        _ring = ring;
        _weights = source.Weights.Loads;
        _x = source.X.Values.Cast<UInt4>();
        _schedule = source.Schedule;
        _stages = source.Weights.TilesPerRow >> (TForm.IsQuad ? 3 : 4);
        _units = _schedule.UnitCount(Grid.IdxX);
        _blockBytes = (long)source.Weights.TilesPerRow * GroupSum.WarpSize * SharedCopy.LoadBytes;
        _weightStart = source.WeightAddress + Group.IdxX * SharedCopy.LoadBytes;
        _tileRowBytes = RingStage.TileRowLoads(source.Width) * SharedCopy.LoadBytes;
        _firstWeightsAt = start + Group.IdxX * SharedCopy.LoadBytes;
        _endWeightsAt = _firstWeightsAt + TForm.Stages * StageBytes;
        var rows = TForm.Stages * RingStage.WeightLoads + RingStage.OwnRow(source.Width);
        _firstRowAt = start + rows * SharedCopy.LoadBytes;
        BeginFirstUnit();
    }

    /// <summary>Orders the weights of the first stages, a batch each.</summary>
    public void OrderWeights(int stages)
    {
        for (var stage = 0; stage < stages; stage++)
        {
            CopyWeights();
            SharedCopy.Commit();
            Passed(1);
            Advance();
        }
    }

    /// <summary>
    /// Orders x of the stages whose weights are ordered, then weights and x of the others. Lanes past the last row of x
    /// repeat it; their sums are not read.
    /// </summary>
    /// <param name="source">Weights and x.</param>
    /// <param name="stages">The value given to <see cref="OrderWeights"/>.</param>
    public void OrderRows(in ProductSource source, int stages)
    {
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var column = (lane >> 2) < source.Width ? lane >> 2 : source.Width - 1;
        var row = Grid.IdxY * TensorCore.Width + column;
        row = row < source.Rows ? row : source.Rows - 1;
        var inRow = (Group.IdxX >> 5) * TileOrder.TileBytes + (lane & 3) * SharedCopy.LoadBytes;
        _rowStart = source.XAddress + TileOrder.RowAt(row, source.X.Stride) * sizeof(float) + inRow;
        BeginFirstUnit();
        for (var stage = 0; stage < TForm.Stages; stage++)
        {
            if (stage >= stages)
            {
                CopyWeights();
            }
            else
            {
                SkipWeights();
            }

            CopyRows();
            SharedCopy.Commit();
            Passed(1);
            Advance();
        }
    }

    /// <summary>Orders a stage of a unit of four row blocks.</summary>
    public void CopyFullQuad()
    {
        RingStage.CopyFullQuad(_ring, _weightsAt, _weights, _weightFrom, _blockBytes);
        _weightFrom += RingStage.TileBytes;
        CopyQuadRows();
        SharedCopy.Commit();
    }

    /// <summary>Orders a stage of a unit of one to three.</summary>
    public void CopyQuad()
    {
        RingStage.CopyQuad(_ring, _weightsAt, _weights, _weightFrom, _blockBytes, _blocks);
        _weightFrom += RingStage.TileBytes;
        CopyQuadRows();
        SharedCopy.Commit();
    }

    /// <summary>Orders a stage of a unit of two row blocks where units have no more.</summary>
    public void CopyFullPair()
    {
        RingStage.CopyFullPair(_ring, _weightsAt, _weights, _weightFrom, _blockBytes);
        _weightFrom += 2 * RingStage.TileBytes;
        CopyPairRows();
        SharedCopy.Commit();
    }

    /// <summary>Orders a stage of a unit of one there.</summary>
    public void CopyPair()
    {
        RingStage.CopyPair(_ring, _weightsAt, _weights, _weightFrom, _blockBytes, _blocks);
        _weightFrom += 2 * RingStage.TileBytes;
        CopyPairRows();
        SharedCopy.Commit();
    }

    /// <summary>To the ring's next stage.</summary>
    public void Advance()
    {
        _weightsAt += StageBytes;
        _rowAt += 2 * _tileRowBytes;
        if (_weightsAt == _endWeightsAt)
        {
            Rewind();
        }
    }

    /// <summary>Stages of the unit have been ordered, at most what was left of it.</summary>
    public void Passed(int stages)
    {
        _stage += stages;
        if (_stage == _stages)
        {
            _unit++;
            BeginUnit();
        }
    }

    private void Rewind()
    {
        _weightsAt = _firstWeightsAt;
        _rowAt = _firstRowAt;
    }

    private void BeginFirstUnit()
    {
        _unit = 0;
        BeginUnit();
        Rewind();
    }

    private void BeginUnit()
    {
        _stage = 0;
        _blocks = 0;
        if (_unit < _units)
        {
            _blocks = _schedule.BlockCount(Grid.IdxX, _unit);
            _weightFrom = _weightStart + _schedule.FirstBlock(Grid.IdxX, _unit) * _blockBytes;
        }

        _rowFrom = _rowStart;
    }

    private void CopyWeights()
    {
        if (TForm.IsQuad)
        {
            RingStage.CopyQuad(_ring, _weightsAt, _weights, _weightFrom, _blockBytes, _blocks);
        }
        else
        {
            RingStage.CopyPair(_ring, _weightsAt, _weights, _weightFrom, _blockBytes, _blocks);
        }

        SkipWeights();
    }

    private void SkipWeights() => _weightFrom += (TForm.IsQuad ? 1 : 2) * RingStage.TileBytes;

    /// <summary>Every unit reads the same.</summary>
    private void CopyRows()
    {
        if (_blocks == 0)
        {
            return;
        }

        if (TForm.IsQuad)
        {
            CopyQuadRows();
        }
        else
        {
            CopyPairRows();
        }
    }

    private void CopyQuadRows()
    {
        RingStage.CopyRow(_ring, _rowAt, _x, _rowFrom);
        _rowFrom += RingStage.RowStrideBytes;
    }

    private void CopyPairRows()
    {
        RingStage.CopyRow(_ring, _rowAt, _x, _rowFrom);
        RingStage.CopyRow(_ring, SecondRowAt, _x, _rowFrom + RingStage.RowStrideBytes);
        _rowFrom += 2 * RingStage.RowStrideBytes;
    }
}
