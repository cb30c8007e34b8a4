namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>Sums of 64 outputs and 32 rows, a warp's registers: four blocks of sixteen outputs by four of eight rows.</summary>
internal struct WideTile
{
    /// <summary>Outputs of a tile.</summary>
    public const int Outputs = 64;

    /// <summary>Rows of a tile.</summary>
    public const int Rows = 32;

    private WideRow _w0;
    private WideRow _w1;
    private WideRow _w2;
    private WideRow _w3;

    /// <summary>Adds a tile of columns: first the upper parts of x, then the lower ones, as every product does.</summary>
    public void Accumulate(in WideOperands o)
    {
        _w0.AddHigh(o.W0, o);
        _w1.AddHigh(o.W1, o);
        _w2.AddHigh(o.W2, o);
        _w3.AddHigh(o.W3, o);
        _w0.AddLow(o.W0, o);
        _w1.AddLow(o.W1, o);
        _w2.AddLow(o.W2, o);
        _w3.AddLow(o.W3, o);
    }

    /// <summary>Adds a split's sums.</summary>
    public void Add(in WideTile sums)
    {
        _w0.Add(sums._w0);
        _w1.Add(sums._w1);
        _w2.Add(sums._w2);
        _w3.Add(sums._w3);
    }

    /// <summary>Hands every result over.</summary>
    public readonly void Store<TResult>(in ProductTarget target, int outputBlock, int rowBlock, int lane)
        where TResult : struct, IProductResult
    {
        _w0.Store<TResult>(target, outputBlock, rowBlock, lane);
        _w1.Store<TResult>(target, outputBlock + 1, rowBlock, lane);
        _w2.Store<TResult>(target, outputBlock + 2, rowBlock, lane);
        _w3.Store<TResult>(target, outputBlock + 3, rowBlock, lane);
    }
}

/// <summary>Sums of sixteen outputs and 32 rows.</summary>
internal struct WideRow
{
    private MmaTile _x0;
    private MmaTile _x1;
    private MmaTile _x2;
    private MmaTile _x3;

    public void AddHigh(in UInt4 w, in WideOperands o)
    {
        _x0.Accumulate(w.X, w.Y, w.Z, w.W, o.X0.X, o.X0.Y);
        _x1.Accumulate(w.X, w.Y, w.Z, w.W, o.X1.X, o.X1.Y);
        _x2.Accumulate(w.X, w.Y, w.Z, w.W, o.X2.X, o.X2.Y);
        _x3.Accumulate(w.X, w.Y, w.Z, w.W, o.X3.X, o.X3.Y);
    }

    public void AddLow(in UInt4 w, in WideOperands o)
    {
        _x0.Accumulate(w.X, w.Y, w.Z, w.W, o.X0.Z, o.X0.W);
        _x1.Accumulate(w.X, w.Y, w.Z, w.W, o.X1.Z, o.X1.W);
        _x2.Accumulate(w.X, w.Y, w.Z, w.W, o.X2.Z, o.X2.W);
        _x3.Accumulate(w.X, w.Y, w.Z, w.W, o.X3.Z, o.X3.W);
    }

    public void Add(in WideRow sums)
    {
        _x0.Add(sums._x0);
        _x1.Add(sums._x1);
        _x2.Add(sums._x2);
        _x3.Add(sums._x3);
    }

    public readonly void Store<TResult>(in ProductTarget target, int outputBlock, int rowBlock, int lane)
        where TResult : struct, IProductResult
    {
        StoreTile<TResult>(_x0, target, outputBlock, rowBlock, lane);
        StoreTile<TResult>(_x1, target, outputBlock, rowBlock + 1, lane);
        StoreTile<TResult>(_x2, target, outputBlock, rowBlock + 2, lane);
        StoreTile<TResult>(_x3, target, outputBlock, rowBlock + 3, lane);
    }

    private static void StoreTile<TResult>(
        in MmaTile sums,
        in ProductTarget target,
        int outputBlock,
        int rowBlock,
        int lane
    )
        where TResult : struct, IProductResult
    {
        var row = rowBlock * 8 + lane % 4 * 2;
        if (row < target.Rows)
        {
            TResult.Store(target, outputBlock, lane / 4, row, sums.C0, sums.C2);
        }

        if (row + 1 < target.Rows)
        {
            TResult.Store(target, outputBlock, lane / 4, row + 1, sums.C1, sums.C3);
        }
    }
}
