using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// A thread's sums of sixteen outputs by the rows of a tile, an <see cref="MmaTile"/> for every eight rows, and the totals of
/// the splits that are done. On a card both live in registers that have names of their own, since tensor cores write
/// the sums while other instructions run.
/// </summary>
/// <typeparam name="TForm">Rows of a tile.</typeparam>
internal struct WarpgroupTile<TForm>
    where TForm : struct, IWarpgroupForm
{
    // Cores of eight rows by eight columns, two for the columns of a tile, one after another; row blocks are tiles apart.
    private const long CoreBytes = 8 * 8 * sizeof(ushort);
    private const long RowBlockBytes = GroupSum.WarpSize * SharedCopy.LoadBytes;
    private const long Strides = (CoreBytes >> 4 << 16) | (RowBlockBytes >> 4 << 32);

    // Used by the simulator only.
    private ArrayView<MmaTile> _sums;
    private ArrayView<MmaTile> _totals;

    /// <summary>Declares the registers and makes all zero; once in a kernel, before anything else here.</summary>
    public void Begin()
    {
        if (!CudaAsm.IsSupported)
        {
            _sums = LocalMemory.Allocate<MmaTile>(MostRowBlocks);
            _totals = LocalMemory.Allocate<MmaTile>(MostRowBlocks);
            for (var i = 0; i < TForm.RowBlocks; i++)
            {
                _sums[i] = new MmaTile();
                _totals[i] = new MmaTile();
            }

            return;
        }

        TForm.Begin();
    }

    /// <summary>Waits for all products but those of the last <see cref="MultiplyFirst"/> or <see cref="MultiplySecond"/>.</summary>
    public static void WaitForAllButLast()
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("wgmma.wait_group.sync.aligned 1;");
        }
    }

    /// <summary>Waits for all products; sums may be read only then.</summary>
    public static void WaitForAllSums()
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("wgmma.wait_group.sync.aligned 0;");
        }
    }

    /// <summary>
    /// Begins to add a stage's first pair of tiles to a split's sums: of each tile first the upper parts of x, then the lower ones,
    /// as every product does. The first pair before it must be done: operands of products at work stay in registers.
    /// </summary>
    /// <param name="ring">Operands in shared memory.</param>
    /// <param name="start">From <see cref="SharedCopy.Start"/>.</param>
    /// <param name="weights">The lane's load of weights in the pair's first tile.</param>
    /// <param name="rows">The first load of rows there.</param>
    public readonly void MultiplyFirst(ArrayView<UInt4> ring, int start, int weights, int rows)
    {
        if (!CudaAsm.IsSupported)
        {
            SimulatePair(ring, weights, rows);
            return;
        }

        TForm.MultiplyEven(start + weights * SharedCopy.LoadBytes, CoresAt(start, rows));
    }

    /// <summary>The same for the second pair; see <see cref="MultiplyFirst"/>.</summary>
    public readonly void MultiplySecond(ArrayView<UInt4> ring, int start, int weights, int rows)
    {
        if (!CudaAsm.IsSupported)
        {
            SimulatePair(ring, weights, rows);
            return;
        }

        TForm.MultiplyOdd(start + weights * SharedCopy.LoadBytes, CoresAt(start, rows));
    }

    /// <summary>Adds a split's sums to the totals.</summary>
    public readonly void Take()
    {
        if (CudaAsm.IsSupported)
        {
            TForm.Take();
            return;
        }

        for (var i = 0; i < TForm.RowBlocks; i++)
        {
            _totals[i].Add(_sums[i]);
        }
    }

    /// <summary>Makes the sums zero. Late: until the next split begins nothing needs their registers to be zero.</summary>
    public readonly void ClearSums()
    {
        if (CudaAsm.IsSupported)
        {
            TForm.ClearSums();
            return;
        }

        Clear(_sums);
    }

    /// <summary>Makes the totals zero.</summary>
    public readonly void ClearTotals()
    {
        if (CudaAsm.IsSupported)
        {
            TForm.ClearTotals();
            return;
        }

        Clear(_totals);
    }

    /// <summary>Writes the totals.</summary>
    /// <param name="partials">Where to.</param>
    /// <param name="block">The first of the row blocks.</param>
    public readonly void StoreTotals(in SplitPartials partials, int block)
    {
        if (CudaAsm.IsSupported)
        {
            TForm.StoreTotals(AddressOf(partials, block));
            return;
        }

        Store(_totals, partials, block);
    }

    /// <summary>Writes a split's sums.</summary>
    /// <param name="partials">Where to.</param>
    /// <param name="block">The first of the row blocks.</param>
    public readonly void StoreSums(in SplitPartials partials, int block)
    {
        if (CudaAsm.IsSupported)
        {
            TForm.StoreSums(AddressOf(partials, block));
            return;
        }

        Store(_sums, partials, block);
    }

    private const int MostRowBlocks = 16;

    private static long CoresAt(int start, int rows) => ((long)(start + rows * SharedCopy.LoadBytes) >> 4) | Strides;

    private static long AddressOf(in SplitPartials partials, int block) =>
        partials.SumsAddress + ((long)block * WarpgroupProductKernel.GroupSize + Group.IdxX) * SharedCopy.LoadBytes;

    private static void Store(ArrayView<MmaTile> tiles, in SplitPartials partials, int block)
    {
        for (var i = 0; i < TForm.RowBlocks; i++)
        {
            partials.Sums[(block + i) * WarpgroupProductKernel.GroupSize + Group.IdxX] = new Float4
            {
                X = tiles[i].C0,
                Y = tiles[i].C1,
                Z = tiles[i].C2,
                W = tiles[i].C3,
            };
        }
    }

    private static void Clear(ArrayView<MmaTile> tiles)
    {
        for (var i = 0; i < TForm.RowBlocks; i++)
        {
            tiles[i] = new MmaTile();
        }
    }

    private readonly void SimulatePair(ArrayView<UInt4> ring, int weights, int rows)
    {
        Simulate(ring, weights - Warp.LaneIdx, rows);
        Simulate(
            ring,
            weights - Warp.LaneIdx + WarpgroupProductKernel.GroupSize,
            rows + TForm.RowBlocks * GroupSum.WarpSize
        );
    }

    /// <summary>A tile of columns as the simulator multiplies it: lanes look into shared memory.</summary>
    private readonly void Simulate(ArrayView<UInt4> ring, int weights, int rows)
    {
        var output = weights + 4 * (Warp.LaneIdx >> 2);
        var row = (Warp.LaneIdx & 3) * 2;
        for (var block = 0; block < TForm.RowBlocks; block++)
        {
            var words = ring.SubView(rows + block * GroupSum.WarpSize, GroupSum.WarpSize).Cast<uint>();
            for (var isLow = 0; isLow < 2; isLow++)
            {
                for (var i = 0; i < 4; i++)
                {
                    _sums[block]
                        .AddWords(
                            ring[output + i],
                            CoreRowsKernel.Words(words, isLow, row, i),
                            CoreRowsKernel.Words(words, isLow, row + 1, i)
                        );
                }
            }
        }
    }
}

/// <summary>Rows of a tile of <see cref="WarpgroupProductKernel"/>, and what is said to a card for so many.</summary>
internal interface IWarpgroupForm
{
    /// <summary>Eights of rows.</summary>
    static abstract int RowBlocks { get; }

    /// <summary>Stages of the ring.</summary>
    static abstract int Stages { get; }

    /// <summary>Declares the registers and makes them zero.</summary>
    static abstract void Begin();

    /// <summary>Issues a stage's products.</summary>
    /// <param name="weights">Address of the lane's load of weights in the stage's first tile.</param>
    /// <param name="cores">Descriptor of the rows' upper parts there.</param>
    static abstract void MultiplyEven(int weights, long cores);

    /// <summary>The same with other registers for weights.</summary>
    /// <param name="weights">Address of the lane's load of weights in the stage's first tile.</param>
    /// <param name="cores">Descriptor of the rows' upper parts there.</param>
    static abstract void MultiplyOdd(int weights, long cores);

    /// <summary>Adds the sums to the totals.</summary>
    static abstract void Take();

    /// <summary>Makes the sums zero.</summary>
    static abstract void ClearSums();

    /// <summary>Makes the totals zero.</summary>
    static abstract void ClearTotals();

    /// <summary>Writes the totals, sixteen bytes a row block.</summary>
    /// <param name="address">The thread's place of the first.</param>
    static abstract void StoreTotals(long address);

    /// <summary>Writes the sums, sixteen bytes a row block.</summary>
    /// <param name="address">The thread's place of the first.</param>
    static abstract void StoreSums(long address);
}
