using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>A lane's operands of one tile of columns: four blocks of sixteen outputs, four blocks of eight rows.</summary>
internal struct WideOperands
{
    public UInt4 W0;
    public UInt4 W1;
    public UInt4 W2;
    public UInt4 W3;
    public UInt4 X0;
    public UInt4 X1;
    public UInt4 X2;
    public UInt4 X3;
}

/// <summary>Where a warp of <see cref="WideProductKernel"/> finds its operands; blocks past the last repeat it.</summary>
internal struct WideSource
{
    private readonly ArrayView<UInt4> _weights;
    private readonly ArrayView<UInt4> _x;
    private readonly long _w0;
    private readonly long _w1;
    private readonly long _w2;
    private readonly long _w3;
    private readonly long _x0;
    private readonly long _x1;
    private readonly long _x2;
    private readonly long _x3;

    public WideSource(
        ArrayView<UInt4> weights,
        int outputBlock,
        int outputBlocks,
        ArrayView<UInt4> x,
        int rowBlock,
        int rowBlocks,
        int tilesPerRow,
        int lane
    )
    {
        _weights = weights;
        _x = x;
        var stride = (long)tilesPerRow * GroupSum.WarpSize;
        _w0 = outputBlock * stride + lane;
        _w1 = XMath.Min(outputBlock + 1, outputBlocks - 1) * stride + lane;
        _w2 = XMath.Min(outputBlock + 2, outputBlocks - 1) * stride + lane;
        _w3 = XMath.Min(outputBlock + 3, outputBlocks - 1) * stride + lane;
        _x0 = rowBlock * stride + lane;
        _x1 = XMath.Min(rowBlock + 1, rowBlocks - 1) * stride + lane;
        _x2 = XMath.Min(rowBlock + 2, rowBlocks - 1) * stride + lane;
        _x3 = XMath.Min(rowBlock + 3, rowBlocks - 1) * stride + lane;
    }

    /// <summary>Loads the operands of a tile of columns.</summary>
    public readonly WideOperands Load(int tile)
    {
        var at = tile * GroupSum.WarpSize;
        return new WideOperands
        {
            W0 = _weights[_w0 + at],
            W1 = _weights[_w1 + at],
            W2 = _weights[_w2 + at],
            W3 = _weights[_w3 + at],
            X0 = _x[_x0 + at],
            X1 = _x[_x1 + at],
            X2 = _x[_x2 + at],
            X3 = _x[_x3 + at],
        };
    }
}
