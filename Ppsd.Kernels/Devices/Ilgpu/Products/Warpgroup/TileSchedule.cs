namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// How the tiles of a product are shared out among groups. All groups take whole tiles, one after another, as long as there
/// are enough for all; of the tiles that are left each group takes an equal share of splits, and takes it first.
/// </summary>
internal struct TileSchedule
{
    /// <summary>Tiles: of outputs times of rows, those of rows first, so that groups at work read the same weights.</summary>
    public int Tiles;

    /// <summary>Tiles of rows.</summary>
    public int RowTiles;

    /// <summary>Tiles that groups share, the first ones.</summary>
    public int SharedTiles;

    /// <summary>Groups.</summary>
    public int Groups;

    /// <summary>The schedule for some tiles.</summary>
    public static TileSchedule For(int outputTiles, int rowTiles, int groups)
    {
        const int Splits = Lane.RowSplits.Count;
        var tiles = outputTiles * rowTiles;
        var shared = tiles % groups;

        // Nothing is gained when somebody would have all splits of a tile anyway.
        if (shared * Splits > (Splits - 1) * groups)
        {
            shared = 0;
        }

        return new TileSchedule
        {
            Tiles = tiles,
            RowTiles = rowTiles,
            SharedTiles = shared,
            Groups = groups,
        };
    }
}
