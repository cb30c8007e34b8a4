using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>Sums of 64 outputs and 32 rows, a warp's registers: four blocks of sixteen outputs by four of eight rows.</summary>
internal struct WideTile
{
    /// <summary>Outputs of a tile.</summary>
    public const int Outputs = 64;

    /// <summary>Rows of a tile.</summary>
    public const int Rows = 32;

    private MmaTile _t0;
    private MmaTile _t1;
    private MmaTile _t2;
    private MmaTile _t3;
    private MmaTile _t4;
    private MmaTile _t5;
    private MmaTile _t6;
    private MmaTile _t7;
    private MmaTile _t8;
    private MmaTile _t9;
    private MmaTile _t10;
    private MmaTile _t11;
    private MmaTile _t12;
    private MmaTile _t13;
    private MmaTile _t14;
    private MmaTile _t15;

    /// <summary>
    /// Adds a tile of columns to a split's sums: first the upper parts of x, then the lower ones, as every product does.
    /// </summary>
    /// <param name="sums">The split's sums.</param>
    /// <param name="ring">Operands in shared memory.</param>
    /// <param name="weights">The lane's first load of four blocks of weights.</param>
    /// <param name="rows">The lane's first load of four blocks of rows.</param>
    public static void Accumulate(ref TensorTiles sums, ArrayView<UInt4> ring, int weights, int rows)
    {
        if (!CudaAsm.IsSupported)
        {
            Simulate(ref sums, ring, weights - Warp.LaneIdx, rows - Warp.LaneIdx);
            return;
        }

        var w0 = ring[weights];
        var w1 = ring[weights + 1 * GroupSum.WarpSize];
        var w2 = ring[weights + 2 * GroupSum.WarpSize];
        var w3 = ring[weights + 3 * GroupSum.WarpSize];
        var x0 = ring[rows];
        var x1 = ring[rows + 1 * GroupSum.WarpSize];
        var x2 = ring[rows + 2 * GroupSum.WarpSize];
        var x3 = ring[rows + 3 * GroupSum.WarpSize];

        sums.Accumulate(0, w0.X, w0.Y, w0.Z, w0.W, x0.X, x0.Y);
        sums.Accumulate(1, w0.X, w0.Y, w0.Z, w0.W, x1.X, x1.Y);
        sums.Accumulate(2, w0.X, w0.Y, w0.Z, w0.W, x2.X, x2.Y);
        sums.Accumulate(3, w0.X, w0.Y, w0.Z, w0.W, x3.X, x3.Y);
        sums.Accumulate(4, w1.X, w1.Y, w1.Z, w1.W, x0.X, x0.Y);
        sums.Accumulate(5, w1.X, w1.Y, w1.Z, w1.W, x1.X, x1.Y);
        sums.Accumulate(6, w1.X, w1.Y, w1.Z, w1.W, x2.X, x2.Y);
        sums.Accumulate(7, w1.X, w1.Y, w1.Z, w1.W, x3.X, x3.Y);
        sums.Accumulate(8, w2.X, w2.Y, w2.Z, w2.W, x0.X, x0.Y);
        sums.Accumulate(9, w2.X, w2.Y, w2.Z, w2.W, x1.X, x1.Y);
        sums.Accumulate(10, w2.X, w2.Y, w2.Z, w2.W, x2.X, x2.Y);
        sums.Accumulate(11, w2.X, w2.Y, w2.Z, w2.W, x3.X, x3.Y);
        sums.Accumulate(12, w3.X, w3.Y, w3.Z, w3.W, x0.X, x0.Y);
        sums.Accumulate(13, w3.X, w3.Y, w3.Z, w3.W, x1.X, x1.Y);
        sums.Accumulate(14, w3.X, w3.Y, w3.Z, w3.W, x2.X, x2.Y);
        sums.Accumulate(15, w3.X, w3.Y, w3.Z, w3.W, x3.X, x3.Y);
        sums.Accumulate(0, w0.X, w0.Y, w0.Z, w0.W, x0.Z, x0.W);
        sums.Accumulate(1, w0.X, w0.Y, w0.Z, w0.W, x1.Z, x1.W);
        sums.Accumulate(2, w0.X, w0.Y, w0.Z, w0.W, x2.Z, x2.W);
        sums.Accumulate(3, w0.X, w0.Y, w0.Z, w0.W, x3.Z, x3.W);
        sums.Accumulate(4, w1.X, w1.Y, w1.Z, w1.W, x0.Z, x0.W);
        sums.Accumulate(5, w1.X, w1.Y, w1.Z, w1.W, x1.Z, x1.W);
        sums.Accumulate(6, w1.X, w1.Y, w1.Z, w1.W, x2.Z, x2.W);
        sums.Accumulate(7, w1.X, w1.Y, w1.Z, w1.W, x3.Z, x3.W);
        sums.Accumulate(8, w2.X, w2.Y, w2.Z, w2.W, x0.Z, x0.W);
        sums.Accumulate(9, w2.X, w2.Y, w2.Z, w2.W, x1.Z, x1.W);
        sums.Accumulate(10, w2.X, w2.Y, w2.Z, w2.W, x2.Z, x2.W);
        sums.Accumulate(11, w2.X, w2.Y, w2.Z, w2.W, x3.Z, x3.W);
        sums.Accumulate(12, w3.X, w3.Y, w3.Z, w3.W, x0.Z, x0.W);
        sums.Accumulate(13, w3.X, w3.Y, w3.Z, w3.W, x1.Z, x1.W);
        sums.Accumulate(14, w3.X, w3.Y, w3.Z, w3.W, x2.Z, x2.W);
        sums.Accumulate(15, w3.X, w3.Y, w3.Z, w3.W, x3.Z, x3.W);
    }

    private static void Simulate(ref TensorTiles sums, ArrayView<UInt4> ring, int weights, int rows)
    {
        for (var i = 0; i < 4; i++)
        {
            var block = ring.SubView(weights + i * GroupSum.WarpSize, GroupSum.WarpSize);
            sums.SimulateParts(4 * i, block, ring.SubView(rows, GroupSum.WarpSize));
            sums.SimulateParts(4 * i + 1, block, ring.SubView(rows + GroupSum.WarpSize, GroupSum.WarpSize));
            sums.SimulateParts(4 * i + 2, block, ring.SubView(rows + 2 * GroupSum.WarpSize, GroupSum.WarpSize));
            sums.SimulateParts(4 * i + 3, block, ring.SubView(rows + 3 * GroupSum.WarpSize, GroupSum.WarpSize));
        }
    }

    /// <summary>Makes a split's sums zero.</summary>
    public static void Clear(ref TensorTiles sums)
    {
        sums.Clear(0);
        sums.Clear(1);
        sums.Clear(2);
        sums.Clear(3);
        sums.Clear(4);
        sums.Clear(5);
        sums.Clear(6);
        sums.Clear(7);
        sums.Clear(8);
        sums.Clear(9);
        sums.Clear(10);
        sums.Clear(11);
        sums.Clear(12);
        sums.Clear(13);
        sums.Clear(14);
        sums.Clear(15);
    }

    /// <summary>Adds a split's sums and clears them.</summary>
    public void Take(ref TensorTiles sums)
    {
        TakeOne(ref _t0, ref sums, 0);
        TakeOne(ref _t1, ref sums, 1);
        TakeOne(ref _t2, ref sums, 2);
        TakeOne(ref _t3, ref sums, 3);
        TakeOne(ref _t4, ref sums, 4);
        TakeOne(ref _t5, ref sums, 5);
        TakeOne(ref _t6, ref sums, 6);
        TakeOne(ref _t7, ref sums, 7);
        TakeOne(ref _t8, ref sums, 8);
        TakeOne(ref _t9, ref sums, 9);
        TakeOne(ref _t10, ref sums, 10);
        TakeOne(ref _t11, ref sums, 11);
        TakeOne(ref _t12, ref sums, 12);
        TakeOne(ref _t13, ref sums, 13);
        TakeOne(ref _t14, ref sums, 14);
        TakeOne(ref _t15, ref sums, 15);
    }

    /// <summary>Hands every total over.</summary>
    public readonly void Store<TResult>(in ProductTarget target, int outputBlock, int rowBlock, int lane)
        where TResult : struct, IProductResult
    {
        StoreOne<TResult>(_t0, target, outputBlock, rowBlock, lane);
        StoreOne<TResult>(_t1, target, outputBlock, rowBlock + 1, lane);
        StoreOne<TResult>(_t2, target, outputBlock, rowBlock + 2, lane);
        StoreOne<TResult>(_t3, target, outputBlock, rowBlock + 3, lane);
        StoreOne<TResult>(_t4, target, outputBlock + 1, rowBlock, lane);
        StoreOne<TResult>(_t5, target, outputBlock + 1, rowBlock + 1, lane);
        StoreOne<TResult>(_t6, target, outputBlock + 1, rowBlock + 2, lane);
        StoreOne<TResult>(_t7, target, outputBlock + 1, rowBlock + 3, lane);
        StoreOne<TResult>(_t8, target, outputBlock + 2, rowBlock, lane);
        StoreOne<TResult>(_t9, target, outputBlock + 2, rowBlock + 1, lane);
        StoreOne<TResult>(_t10, target, outputBlock + 2, rowBlock + 2, lane);
        StoreOne<TResult>(_t11, target, outputBlock + 2, rowBlock + 3, lane);
        StoreOne<TResult>(_t12, target, outputBlock + 3, rowBlock, lane);
        StoreOne<TResult>(_t13, target, outputBlock + 3, rowBlock + 1, lane);
        StoreOne<TResult>(_t14, target, outputBlock + 3, rowBlock + 2, lane);
        StoreOne<TResult>(_t15, target, outputBlock + 3, rowBlock + 3, lane);
    }

    private static void TakeOne(ref MmaTile total, ref TensorTiles sums, int tile)
    {
        total.Add(sums.Get(tile));
        sums.Clear(tile);
    }

    private static void StoreOne<TResult>(
        in MmaTile total,
        in ProductTarget target,
        int outputBlock,
        int rowBlock,
        int lane
    )
        where TResult : struct, IProductResult
    {
        var row = rowBlock * 8 + (lane & 3) * 2;
        if (row < target.Rows)
        {
            TResult.Store(target, outputBlock, lane >> 2, row, total.C0, total.C2);
        }

        if (row + 1 < target.Rows)
        {
            TResult.Store(target, outputBlock, lane >> 2, row + 1, total.C1, total.C3);
        }
    }
}
