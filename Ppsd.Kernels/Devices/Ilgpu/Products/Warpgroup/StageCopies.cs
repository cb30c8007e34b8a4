using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// The copies that fill the ring, stage after stage of the group's walk: a box of weights and a stretch of rows. On a card one
/// thread begins them; on the simulator each copies its share.
/// </summary>
/// <typeparam name="TForm">Rows of a tile.</typeparam>
internal struct StageCopies<TForm>
    where TForm : struct, IWarpgroupForm
{
    private const int StageTiles = WarpgroupProductKernel.StageTiles;
    private const int SplitShift = 3;

    // ILGPU mixes up structures of as many equal fields that nest them differently (here 14; with 13 as in QueryTile one of the two
    // kernels does not compile): a test compiles both.
    private TileWalk _walk;
    private int _tilesPerRow;
    private int _splitTiles;
    private int _tile;
    private int _left;

    /// <summary>True behind the last stage.</summary>
    public readonly bool IsDone => _left == 0;

    /// <summary>Bytes of the stage: of weights a box, also where a split ends within it, of rows what there is.</summary>
    public readonly int Bytes => (WarpgroupProductKernel.WeightLoads + RowLoads) * SharedCopy.LoadBytes;

    /// <summary>A group's copies.</summary>
    /// <param name="walk">At the group's first split.</param>
    /// <param name="tilesPerRow">Sixteens of columns.</param>
    public static StageCopies<TForm> Begin(in TileWalk walk, int tilesPerRow)
    {
        var copies = new StageCopies<TForm>
        {
            _walk = walk,
            _tilesPerRow = tilesPerRow,
            _splitTiles = tilesPerRow >> SplitShift,
        };
        copies.FindSplit();
        return copies;
    }

    /// <summary>Blocks past the last are whatever is copied: nobody takes their sums.</summary>
    /// <param name="ring">Shared memory.</param>
    /// <param name="start">From <see cref="SharedCopy.Start"/>.</param>
    /// <param name="place">The stage's.</param>
    /// <param name="weights">What the simulator copies.</param>
    /// <param name="outputBlocks">Sixteens of outputs.</param>
    /// <param name="map">What a card copies (<see cref="Buffers.IlgpuTiledMatrix.Map"/>).</param>
    public readonly void CopyWeights(
        ArrayView<UInt4> ring,
        int start,
        in RingPlace<TForm> place,
        ArrayView<UInt4> weights,
        int outputBlocks,
        long map
    )
    {
        if (CudaAsm.IsSupported)
        {
            BulkCopy.BeginBox(
                start + place.Load * SharedCopy.LoadBytes,
                map,
                _walk.FirstOutputBlock,
                _tile,
                _walk.Split,
                place.Full
            );
            return;
        }

        var output = XMath.Min(_walk.FirstOutputBlock + (Group.IdxX >> 5), outputBlocks - 1);
        for (var i = 0; i < Tiles; i++)
        {
            var column = _walk.Split + (_tile + i) * RowSplits.Count;
            var from = ((long)output * _tilesPerRow + column) * GroupSum.WarpSize;
            ring[place.Load + i * WarpgroupProductKernel.GroupSize + Group.IdxX] = weights[from + Warp.LaneIdx];
        }
    }

    /// <summary>Rows past the last are whatever lies behind them: what stands there changes no other row.</summary>
    /// <param name="ring">Shared memory.</param>
    /// <param name="start">From <see cref="SharedCopy.Start"/>.</param>
    /// <param name="place">The stage's.</param>
    /// <param name="x">What the simulator copies; see <see cref="CoreRowsKernel"/>.</param>
    /// <param name="address">Where it lies on a card.</param>
    public readonly void CopyRows(
        ArrayView<UInt4> ring,
        int start,
        in RingPlace<TForm> place,
        ArrayView<UInt4> x,
        long address
    )
    {
        var to = place.Load + WarpgroupProductKernel.WeightLoads;
        var from =
            ((long)_walk.FirstRowBlock * _tilesPerRow + (long)(_walk.Split * _splitTiles + _tile) * TForm.RowBlocks)
            * GroupSum.WarpSize;
        if (CudaAsm.IsSupported)
        {
            BulkCopy.Begin(
                start + to * SharedCopy.LoadBytes,
                address + from * SharedCopy.LoadBytes,
                RowLoads * SharedCopy.LoadBytes,
                place.Full
            );
            return;
        }

        for (var i = Group.IdxX; i < RowLoads; i += WarpgroupProductKernel.GroupSize)
        {
            ring[to + i] = x[from + i];
        }
    }

    /// <summary>To the next stage.</summary>
    public void Next()
    {
        _tile += StageTiles;
        _left -= StageTiles;
        if (_left <= 0)
        {
            _left = 0;
            _walk.Next();
            FindSplit();
        }
    }

    /// <summary>A split may end with half a stage.</summary>
    private readonly int Tiles => XMath.Min(_left, StageTiles);

    private readonly int RowLoads => Tiles * TForm.RowBlocks * GroupSum.WarpSize;

    private void FindSplit()
    {
        if (!_walk.IsDone)
        {
            _tile = 0;
            _left = _splitTiles;
        }
    }
}
