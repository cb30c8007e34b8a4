using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>Tiles of a row in the order of the splits: 0, 8, 16, ... 1, 9, 17, ...</summary>
internal struct SplitOrder
{
    private int _split;
    private int _tile;

    /// <summary>The tile.</summary>
    public readonly int Tile => _tile;

    /// <summary>True when the tile is the first of its split.</summary>
    public readonly bool BeginsSplit => _tile == _split;

    /// <summary>To the next tile.</summary>
    /// <param name="tiles">Tiles of a row.</param>
    public void Next(int tiles)
    {
        _tile += RowSplits.Count;
        if (_tile >= tiles)
        {
            _split++;
            _tile = _split;
        }
    }
}
