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
    /// <summary>Rows up to which kernels that make rows write their parts: where a kernel more would cost more than what it does.</summary>
    private static int MostGivenRows => 8 * Rows64.RowBlocks;

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
    private readonly Dictionary<(ProductKind, bool HasParts, int RowBlocks), Launch> _launches = [];
    private readonly ArrayView<int> _prefixes;

    // Of two kinds, because a product's results may be the next one's rows.
    private readonly CoreRows _normed = new();
    private readonly CoreRows _others = new();
    private ArrayView<Float4> _sums;

    /// <param name="groups">Groups that share a product: the device's multiprocessors.</param>
    public WarpgroupProducts(Accelerator accelerator, int groups)
        : base(accelerator)
    {
        _groups = groups;
        _prefixes = Grown(_prefixes, groups);
        _normed.Counts = Grown(_normed.Counts, groups);
        _others.Counts = Grown(_others.Counts, groups);
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

    public override NormedCoresView PartsOfNormed(IlgpuNormedRows rows, int count)
    {
        // The kernel that norms rows clears the counters itself.
        ReserveScales(rows.Capacity);
        var parts = PartsOf(_normed, rows, rows.Capacity, rows.Width, rows.View.Stride, count);
        return OfNormed(parts, _normed.Counts);
    }

    public override CoreRowsView PartsOfAttended(IlgpuProductInput rows, int count) =>
        _others.HasClearCounts ? PartsOf(_others, rows, rows.Capacity, rows.Width, rows.Stride, count) : NoParts;

    public override void ForgetParts()
    {
        _normed.Forget();
        _others.Forget();
    }

    protected override void Pack(
        AcceleratorStream stream,
        KernelConfig config,
        in ManyRows x,
        int rows,
        int tilesPerRow
    )
    {
        var parts = PartsFor(x);
        if (parts.TryTake(x.Owner, rows))
        {
            return;
        }

        Reserve(parts, x.Capacity, tilesPerRow);
        _pack(
            stream,
            config,
            x.View,
            rows,
            tilesPerRow,
            TileShiftFor(rows),
            parts.Packed.Cast<uint>(),
            Scales,
            parts.Counts
        );
    }

    protected override void Multiply(
        ProductKind kind,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        in ManyRows x,
        IlgpuRows y,
        in ProductTarget target
    )
    {
        var rows = target.Rows;
        var parts = PartsFor(x);
        var next = x.IsNormed ? _others : _normed;
        next.HasClearCounts = true;
        parts.HasClearCounts = false;

        // The product of the results follows, so their parts go where its rows stand.
        var to = target with
        {
            Cores = kind == ProductKind.Gated ? PartsOf(next, y, y.Capacity, y.Width, y.Stride, rows) : NoParts,
        };
        var rowBlocks = RowBlocksFor(rows);
        if (rowBlocks == Rows32.RowBlocks)
        {
            Multiply<Rows32>(kind, stream, step, weights, parts, next, to);
        }
        else if (rowBlocks == Rows64.RowBlocks)
        {
            Multiply<Rows64>(kind, stream, step, weights, parts, next, to);
        }
        else
        {
            Multiply<Rows128>(kind, stream, step, weights, parts, next, to);
        }
    }

    /// <summary>Eights of rows in a tile: rows and product must agree.</summary>
    private static int RowBlocksFor(int rows) =>
        rows <= 8 * Rows32.RowBlocks ? Rows32.RowBlocks
        : rows <= 8 * Rows64.RowBlocks ? Rows64.RowBlocks
        : Rows128.RowBlocks;

    private static int TileShiftFor(int rows) => BitOperations.Log2((uint)RowBlocksFor(rows));

    private CoreRows PartsFor(in ManyRows x) => x.IsNormed ? _normed : _others;

    /// <summary>Where a kernel puts the parts of rows that a product reads next.</summary>
    private CoreRowsView PartsOf(CoreRows parts, object owner, int capacity, int width, int stride, int rows)
    {
        // Padding would have to be zeros, and nobody writes these. A prompt's rows are written faster tile by tile.
        if (rows < MinRows || rows > MostGivenRows || width != stride)
        {
            parts.Forget();
            return NoParts;
        }

        var tilesPerRow = stride / TensorCore.TileColumns;
        Reserve(parts, capacity, tilesPerRow);
        parts.Give(owner, rows);
        return new CoreRowsView
        {
            Words = parts.Packed.Cast<uint>(),
            TilesPerRow = tilesPerRow,
            TileShift = TileShiftFor(rows),
        };
    }

    /// <summary>Room for whole tiles of rows: a tile is copied as one stretch.</summary>
    private void Reserve(CoreRows parts, int capacity, int tilesPerRow)
    {
        var widest = Rows128.RowBlocks;
        var rowBlocks = (capacity + 8 * widest - 1) / (8 * widest) * widest;
        parts.Packed = Grown(parts.Packed, (long)rowBlocks * tilesPerRow * GroupSum.WarpSize);
    }

    private void Multiply<TForm>(
        ProductKind kind,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        CoreRows parts,
        CoreRows next,
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
        LaunchOf<TForm>(kind, target.Cores.IsUsed)(
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
            parts.Packed,
            DeviceAddress.Of(Accelerator, parts.Packed),
            schedule,
            new SplitPartials
            {
                Sums = _sums,
                SumsAddress = DeviceAddress.Of(Accelerator, _sums),
                Prefixes = _prefixes,
                Counts = parts.Counts,
                CountsAddress = DeviceAddress.Of(Accelerator, parts.Counts),
                NextCounts = next.Counts,
            },
            target
        );
    }

    private Launch LaunchOf<TForm>(ProductKind kind, bool hasParts)
        where TForm : struct, IWarpgroupForm
    {
        if (!_launches.TryGetValue((kind, hasParts, TForm.RowBlocks), out var launch))
        {
            launch = kind switch
            {
                ProductKind.Scaled => Load<TForm, ScaledResult>(),
                ProductKind.Gated when hasParts => Load<TForm, GatedCoresResult>(),
                ProductKind.Gated => Load<TForm, GatedResult>(),
                _ => Load<TForm, AddedResult>(),
            };
            _launches.Add((kind, hasParts, TForm.RowBlocks), launch);
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
