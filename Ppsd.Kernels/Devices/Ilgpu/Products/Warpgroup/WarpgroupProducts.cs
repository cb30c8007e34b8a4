using System.Numerics;
using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>Products for many rows on cards of compute capability 9.0; each kernel is compiled when it is first launched.</summary>
internal sealed class WarpgroupProducts : ManyRowProducts
{
    private readonly int _groups;
    private readonly Action<
        AcceleratorStream,
        KernelConfig,
        NormedRowsView,
        int,
        int,
        int,
        ArrayView<uint>,
        ArrayView<float>,
        ArrayView<int>
    > _pack;
    private readonly Dictionary<(ProductKind, int RowBlocks), Launch> _launches = [];
    private readonly ArrayView<int> _prefixes;
    private readonly ArrayView<int> _counts;
    private ArrayView<Float4> _sums;

    /// <param name="groups">Groups that share a product: the device's multiprocessors.</param>
    public WarpgroupProducts(Accelerator accelerator, int groups)
        : base(accelerator)
    {
        _groups = groups;
        _prefixes = Grown(_prefixes, groups);
        _counts = Grown(_counts, groups);
        _pack = accelerator.LoadKernel<
            NormedRowsView,
            int,
            int,
            int,
            ArrayView<uint>,
            ArrayView<float>,
            ArrayView<int>
        >(CoreRowsKernel.Execute);
    }

    private delegate void Launch(
        AcceleratorStream stream,
        KernelConfig config,
        StepState step,
        TiledWeights weights,
        long weightMap,
        int outputBlocks,
        ArrayView<UInt4> x,
        long xAddress,
        TileSchedule schedule,
        SplitPartials partials,
        ProductTarget target
    );

    /// <summary>Shared memory that a group takes at most.</summary>
    public static int SharedBytes =>
        SharedCopy.LoadBytes
        * Math.Max(
            WarpgroupProductKernel.SharedLoads<Rows32>(),
            Math.Max(WarpgroupProductKernel.SharedLoads<Rows64>(), WarpgroupProductKernel.SharedLoads<Rows128>())
        );

    /// <summary>Whole tiles of rows: a tile is copied as one stretch.</summary>
    protected override int PackedRowBlocks(int capacity)
    {
        var widest = Rows128.RowBlocks;
        return (capacity + 8 * widest - 1) / (8 * widest) * widest;
    }

    protected override void Pack(
        AcceleratorStream stream,
        KernelConfig config,
        NormedRowsView x,
        int rows,
        int tilesPerRow
    ) =>
        _pack(
            stream,
            config,
            x,
            rows,
            tilesPerRow,
            BitOperations.Log2((uint)RowBlocksFor(rows)),
            Packed.Cast<uint>(),
            Scales,
            _counts
        );

    protected override void Multiply(
        ProductKind kind,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        in ProductTarget target
    )
    {
        var rowBlocks = RowBlocksFor(target.Rows);
        if (rowBlocks == Rows32.RowBlocks)
        {
            Multiply<Rows32>(kind, stream, step, weights, target);
        }
        else if (rowBlocks == Rows64.RowBlocks)
        {
            Multiply<Rows64>(kind, stream, step, weights, target);
        }
        else
        {
            Multiply<Rows128>(kind, stream, step, weights, target);
        }
    }

    /// <summary>Eights of rows in a tile: rows and product must agree.</summary>
    private static int RowBlocksFor(int rows) =>
        rows <= 8 * Rows32.RowBlocks ? Rows32.RowBlocks
        : rows <= 8 * Rows64.RowBlocks ? Rows64.RowBlocks
        : Rows128.RowBlocks;

    private void Multiply<TForm>(
        ProductKind kind,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        in ProductTarget target
    )
        where TForm : struct, IWarpgroupForm
    {
        const int Outputs = WarpgroupProductKernel.WarpCount;
        var rowBlocks = (target.Rows + 7) / 8;
        var schedule = TileSchedule.For(
            (weights.RowBlocks + Outputs - 1) / Outputs,
            (rowBlocks + TForm.RowBlocks - 1) / TForm.RowBlocks,
            _groups
        );
        var places = (schedule.SharedTiles + schedule.Groups) * RowSplits.Count;
        _sums = Grown(_sums, (long)places * TForm.RowBlocks * WarpgroupProductKernel.GroupSize);
        var view = weights.View;
        LaunchOf<TForm>(kind)(
            stream,
            new KernelConfig(
                new Index2D(schedule.Groups, 1),
                new Index2D(WarpgroupProductKernel.GroupSize, 1),
                SharedMemoryConfig.RequestDynamic<UInt4>(WarpgroupProductKernel.SharedLoads<TForm>())
            ),
            step,
            view,
            DeviceAddress.Of(Accelerator, weights.Map),
            weights.RowBlocks,
            Packed,
            DeviceAddress.Of(Accelerator, Packed),
            schedule,
            new SplitPartials
            {
                Sums = _sums,
                SumsAddress = DeviceAddress.Of(Accelerator, _sums),
                Prefixes = _prefixes,
                Counts = _counts,
                CountsAddress = DeviceAddress.Of(Accelerator, _counts),
            },
            target
        );
    }

    private Launch LaunchOf<TForm>(ProductKind kind)
        where TForm : struct, IWarpgroupForm
    {
        if (!_launches.TryGetValue((kind, TForm.RowBlocks), out var launch))
        {
            launch = kind switch
            {
                ProductKind.Scaled => Load<TForm, ScaledResult>(),
                ProductKind.Gated => Load<TForm, GatedResult>(),
                _ => Load<TForm, AddedResult>(),
            };
            _launches.Add((kind, TForm.RowBlocks), launch);
        }

        return launch;
    }

    private Launch Load<TForm, TResult>()
        where TForm : struct, IWarpgroupForm
        where TResult : struct, IProductResult =>
        SharedKernel.Load<Launch>(
            Accelerator,
            WarpgroupProductKernel.Execute<TForm, TResult>,
            WarpgroupProductKernel.Specialization,
            WarpgroupProductKernel.SharedLoads<TForm>() * SharedCopy.LoadBytes,
            usesWarpgroups: true
        );
}
