using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// A thread's copies of operands to the ring, stage after stage of its group's walk. Where a stage's loads lie is worked out
/// when a split begins; from one stage to the next it is an addition.
/// </summary>
/// <typeparam name="TForm">Rows of a tile.</typeparam>
internal struct StageCopies<TForm>
    where TForm : struct, IWarpgroupForm
{
    // From one stage of a split to the next, and from a stage's first tile to its second.
    private const int StageStep = WarpgroupProductKernel.StageTiles * TileStep;
    private const int PairStep = WarpgroupProductKernel.PairTiles * TileStep;
    private const int TileStep = RowSplits.Count * GroupSum.WarpSize;

    private TileWalk _walk;
    private int _splitPairs;
    private int _stride;
    private int _lastOutputBlock;
    private int _rowBlocks;
    private long _weights;
    private long _rows;
    private int _liveRows;
    private int _left;

    /// <summary>True behind the last stage.</summary>
    public readonly bool IsDone => _left == 0;

    /// <summary>The copies of a group.</summary>
    /// <param name="walk">At its first split.</param>
    /// <param name="splitPairs">Pairs of tiles in a split.</param>
    /// <param name="stride">Loads from one block of outputs or rows to the next.</param>
    /// <param name="outputBlocks">Sixteens of outputs.</param>
    /// <param name="rows">Rows of x.</param>
    public static StageCopies<TForm> Begin(in TileWalk walk, int splitPairs, int stride, int outputBlocks, int rows)
    {
        var copies = new StageCopies<TForm>
        {
            _walk = walk,
            _splitPairs = splitPairs,
            _stride = stride,
            _lastOutputBlock = outputBlocks - 1,
            _rowBlocks = (rows + 7) >> 3,
        };
        copies.FindSplit();
        return copies;
    }

    /// <summary>A warp copies the weights that it multiplies; blocks past the last repeat it, and nobody takes their sums.</summary>
    /// <param name="ring">Shared memory.</param>
    /// <param name="to">The thread's first load of the stage.</param>
    /// <param name="address">Where it lies on a card.</param>
    public readonly void CopyWeights(ArrayView<UInt4> ring, int to, ArrayView<UInt4> weights, long address)
    {
        SharedCopy.Begin(ring, to, weights, address, _weights);
        SharedCopy.Begin(ring, to + WarpgroupProductKernel.TileLoads<TForm>(), weights, address, _weights + TileStep);
        if (_left > 1)
        {
            to += WarpgroupProductKernel.PairTiles * WarpgroupProductKernel.TileLoads<TForm>();
            var from = _weights + PairStep;
            SharedCopy.Begin(ring, to, weights, address, from);
            SharedCopy.Begin(ring, to + WarpgroupProductKernel.TileLoads<TForm>(), weights, address, from + TileStep);
        }
    }

    /// <summary>Rows that do not exist are not copied: what stands in their place changes no other row.</summary>
    /// <param name="ring">Shared memory.</param>
    /// <param name="to">The thread's first load of the stage.</param>
    /// <param name="address">Where they lie on a card.</param>
    public readonly void CopyRows(ArrayView<UInt4> ring, int to, ArrayView<UInt4> x, long address)
    {
        to += WarpgroupProductKernel.GroupSize;
        if (_liveRows > 0)
        {
            CopyBlock(ring, to, x, address, _rows);
        }

        if (TForm.RowBlocks > WarpgroupProductKernel.WarpCount && _liveRows > WarpgroupProductKernel.WarpCount)
        {
            var from = _rows + (long)WarpgroupProductKernel.WarpCount * _stride;
            CopyBlock(ring, to + WarpgroupProductKernel.GroupSize, x, address, from);
        }
    }

    private readonly void CopyBlock(ArrayView<UInt4> ring, int to, ArrayView<UInt4> x, long address, long from)
    {
        SharedCopy.Begin(ring, to, x, address, from);
        SharedCopy.Begin(ring, to + WarpgroupProductKernel.TileLoads<TForm>(), x, address, from + TileStep);
        if (_left > 1)
        {
            to += WarpgroupProductKernel.PairTiles * WarpgroupProductKernel.TileLoads<TForm>();
            from += PairStep;
            SharedCopy.Begin(ring, to, x, address, from);
            SharedCopy.Begin(ring, to + WarpgroupProductKernel.TileLoads<TForm>(), x, address, from + TileStep);
        }
    }

    /// <summary>To the next stage.</summary>
    public void Next()
    {
        _weights += StageStep;
        _rows += StageStep;
        _left -= 2;
        if (_left <= 0)
        {
            _left = 0;
            _walk.Next();
            FindSplit();
        }
    }

    private void FindSplit()
    {
        if (_walk.IsDone)
        {
            return;
        }

        var warp = Group.IdxX >> 5;
        var first = _walk.Split * GroupSum.WarpSize + (Group.IdxX & (GroupSum.WarpSize - 1));
        var rowBlock = _walk.FirstRowBlock + warp;
        _weights = (long)XMath.Min(_walk.FirstOutputBlock + warp, _lastOutputBlock) * _stride + first;
        _rows = (long)rowBlock * _stride + first;
        _liveRows = warp < TForm.RowBlocks ? _rowBlocks - rowBlock : 0;
        _left = _splitPairs;
    }
}
