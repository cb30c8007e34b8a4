using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// A group's way through its share of a product, split after split: those it has of shared tiles, then its own tiles.
/// Splits of all tiles are numbered through; those of one tile that follow one another are a segment.
/// </summary>
internal struct TileWalk
{
    private const int SplitShift = 3;
    private const int SplitMask = RowSplits.Count - 1;

    private int _unit;
    private int _end;
    private int _segmentStart;
    private int _nextTile;
    private int _groups;
    private int _tiles;
    private int _rowTiles;

    /// <summary>The tile's first sixteen of outputs.</summary>
    public int FirstOutputBlock;

    /// <summary>The tile's first eight of rows.</summary>
    public int FirstRowBlock;

    private int _rowBlocks;

    /// <summary>True behind the last split.</summary>
    public readonly bool IsDone => _unit >> SplitShift >= _tiles;

    /// <summary>The tile.</summary>
    public readonly int Tile => _unit >> SplitShift;

    /// <summary>The split.</summary>
    public readonly int Split => _unit & SplitMask;

    /// <summary>True when the segment begins with the tile's first split.</summary>
    public readonly bool IsPrefix => (_segmentStart & SplitMask) == 0;

    /// <summary>True in the segment's last split.</summary>
    public readonly bool EndsSegment => Split == SplitMask || _unit + 1 == _end;

    /// <summary>Splits of the segment, up to and with this one.</summary>
    public readonly int SegmentLength => _unit + 1 - _segmentStart;

    /// <summary>A group's walk.</summary>
    /// <param name="schedule">The product's.</param>
    /// <param name="rowBlocks">Eights of rows in a tile.</param>
    public static TileWalk Begin(in TileSchedule schedule, int group, int rowBlocks)
    {
        var units = schedule.SharedTiles << SplitShift;
        var walk = new TileWalk
        {
            _unit = group * units / schedule.Groups,
            _end = (group + 1) * units / schedule.Groups,
            _nextTile = schedule.SharedTiles + group,
            _groups = schedule.Groups,
            _tiles = schedule.Tiles,
            _rowTiles = schedule.RowTiles,
            _rowBlocks = rowBlocks,
        };
        walk._segmentStart = walk._unit;
        if (walk._unit == walk._end)
        {
            walk.TakeTile();
        }

        walk.FindTile();
        return walk;
    }

    /// <summary>True when groups share the tile.</summary>
    public readonly bool IsShared(in TileSchedule schedule) => Tile < schedule.SharedTiles;

    /// <summary>To the next split.</summary>
    public void Next()
    {
        _unit++;
        if (_unit == _end)
        {
            TakeTile();
        }
        else if (Split == 0)
        {
            _segmentStart = _unit;
        }

        FindTile();
    }

    private void TakeTile()
    {
        _unit = _nextTile << SplitShift;
        _segmentStart = _unit;
        _end = _unit + RowSplits.Count;
        _nextTile += _groups;
    }

    private void FindTile()
    {
        var outputTile = Tile / _rowTiles;
        FirstOutputBlock = outputTile * WarpgroupProductKernel.WarpCount;
        FirstRowBlock = (Tile - outputTile * _rowTiles) * _rowBlocks;
    }
}
