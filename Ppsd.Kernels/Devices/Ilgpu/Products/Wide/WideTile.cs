using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>
/// Sums of 64 outputs and 32 rows, a warp's registers: four blocks of sixteen outputs by four of eight rows, each a
/// <see cref="MmaTile"/>; and the totals of the splits that are done.
/// </summary>
/// <remarks>
/// On a card all of it lives in registers that have names of their own, and a tile of columns is one piece of assembly:
/// values returned from assembly are stored to memory first, and compiling each product separately takes seconds.
/// </remarks>
internal struct WideTile
{
    /// <summary>Outputs of a tile.</summary>
    public const int Outputs = 64;

    /// <summary>Rows of a tile.</summary>
    public const int Rows = 32;

    private const int Blocks = 4;
    private const int TileCount = Blocks * Blocks;

    // Used by the simulator only.
    private ArrayView<MmaTile> _sums;
    private ArrayView<MmaTile> _totals;

    /// <summary>Declares the registers and makes all zero; once in a kernel, before anything else here.</summary>
    public void Begin()
    {
        if (!CudaAsm.IsSupported)
        {
            _sums = LocalMemory.Allocate<MmaTile>(TileCount);
            _totals = LocalMemory.Allocate<MmaTile>(TileCount);
            for (var i = 0; i < TileCount; i++)
            {
                _sums[i] = new MmaTile();
                _totals[i] = new MmaTile();
            }

            return;
        }

        CudaAsm.Emit(WideAssembly.Declare);
        CudaAsm.Emit(WideAssembly.ClearSums);
        CudaAsm.Emit(WideAssembly.ClearTotals);
    }

    /// <summary>
    /// Adds a tile of columns to a split's sums: first the upper parts of x, then the lower ones, as every product does.
    /// </summary>
    /// <param name="ring">Operands in shared memory.</param>
    /// <param name="start">From <see cref="SharedCopy.Start"/>.</param>
    /// <param name="weights">The lane's first load of four blocks of weights.</param>
    /// <param name="rows">The lane's first load of four blocks of rows.</param>
    public readonly void Accumulate(ArrayView<UInt4> ring, int start, int weights, int rows)
    {
        if (!CudaAsm.IsSupported)
        {
            Simulate(ring, weights - Warp.LaneIdx, rows - Warp.LaneIdx);
            return;
        }

        CudaAsm.Emit(WideAssembly.AddTile, start + weights * SharedCopy.LoadBytes, start + rows * SharedCopy.LoadBytes);
    }

    /// <summary>Adds a split's sums to the totals and clears them.</summary>
    public readonly void Take()
    {
        if (!CudaAsm.IsSupported)
        {
            for (var i = 0; i < TileCount; i++)
            {
                _totals[i].Add(_sums[i]);
                _sums[i] = new MmaTile();
            }

            return;
        }

        CudaAsm.Emit(WideAssembly.Take);
    }

    /// <summary>
    /// Leaves the sums of a split in shared memory, [row, <see cref="MiddleProductKernel.SumStride"/>], for others to add up.
    /// </summary>
    /// <param name="sums">The split's part of it.</param>
    /// <param name="address">Where that begins on a card.</param>
    public readonly void StoreSums(ArrayView<float> sums, int address, int lane)
    {
        var at = (lane & 3) * 2 * MiddleProductKernel.SumStride + (lane >> 2);
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(MiddleAssembly.StoreSums, address + at * sizeof(float));
            return;
        }

        for (var i = 0; i < TileCount; i++)
        {
            var first = at + i % Blocks * 8 * MiddleProductKernel.SumStride + i / Blocks * 16;
            sums[first] = _sums[i].C0;
            sums[first + MiddleProductKernel.SumStride] = _sums[i].C1;
            sums[first + 8] = _sums[i].C2;
            sums[first + MiddleProductKernel.SumStride + 8] = _sums[i].C3;
        }
    }

    /// <summary>Passes every total to the result.</summary>
    public readonly void Store<TResult>(in ProductTarget target, int outputBlock, int rowBlock, int lane)
        where TResult : struct, IProductResult
    {
        if (!CudaAsm.IsSupported)
        {
            for (var i = 0; i < TileCount; i++)
            {
                StoreOne<TResult>(_totals[i], target, outputBlock + i / Blocks, rowBlock + i % Blocks, lane);
            }

            return;
        }

        var total = new MmaTile();
        CudaAsm.Emit("mov.f32 %0, tt0;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt1;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt2;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt3;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock, rowBlock, lane);
        CudaAsm.Emit("mov.f32 %0, tt4;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt5;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt6;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt7;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock, rowBlock + 1, lane);
        CudaAsm.Emit("mov.f32 %0, tt8;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt9;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt10;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt11;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock, rowBlock + 2, lane);
        CudaAsm.Emit("mov.f32 %0, tt12;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt13;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt14;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt15;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock, rowBlock + 3, lane);
        CudaAsm.Emit("mov.f32 %0, tt16;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt17;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt18;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt19;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 1, rowBlock, lane);
        CudaAsm.Emit("mov.f32 %0, tt20;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt21;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt22;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt23;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 1, rowBlock + 1, lane);
        CudaAsm.Emit("mov.f32 %0, tt24;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt25;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt26;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt27;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 1, rowBlock + 2, lane);
        CudaAsm.Emit("mov.f32 %0, tt28;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt29;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt30;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt31;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 1, rowBlock + 3, lane);
        CudaAsm.Emit("mov.f32 %0, tt32;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt33;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt34;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt35;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 2, rowBlock, lane);
        CudaAsm.Emit("mov.f32 %0, tt36;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt37;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt38;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt39;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 2, rowBlock + 1, lane);
        CudaAsm.Emit("mov.f32 %0, tt40;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt41;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt42;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt43;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 2, rowBlock + 2, lane);
        CudaAsm.Emit("mov.f32 %0, tt44;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt45;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt46;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt47;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 2, rowBlock + 3, lane);
        CudaAsm.Emit("mov.f32 %0, tt48;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt49;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt50;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt51;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 3, rowBlock, lane);
        CudaAsm.Emit("mov.f32 %0, tt52;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt53;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt54;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt55;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 3, rowBlock + 1, lane);
        CudaAsm.Emit("mov.f32 %0, tt56;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt57;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt58;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt59;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 3, rowBlock + 2, lane);
        CudaAsm.Emit("mov.f32 %0, tt60;", out total.C0);
        CudaAsm.Emit("mov.f32 %0, tt61;", out total.C1);
        CudaAsm.Emit("mov.f32 %0, tt62;", out total.C2);
        CudaAsm.Emit("mov.f32 %0, tt63;", out total.C3);
        StoreOne<TResult>(total, target, outputBlock + 3, rowBlock + 3, lane);
    }

    private readonly void Simulate(ArrayView<UInt4> ring, int weights, int rows)
    {
        for (var i = 0; i < TileCount; i++)
        {
            _sums[i]
                .SimulateParts(
                    ring.SubView(weights + i / Blocks * GroupSum.WarpSize, GroupSum.WarpSize),
                    ring.SubView(rows + i % Blocks * GroupSum.WarpSize, GroupSum.WarpSize)
                );
        }
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
            ProductResult.Store<TResult>(target, outputBlock, lane >> 2, row, total.C0, total.C2);
        }

        if (row + 1 < target.Rows)
        {
            ProductResult.Store<TResult>(target, outputBlock, lane >> 2, row + 1, total.C1, total.C3);
        }
    }
}
