using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>Products for many rows with <c>mma</c>, which every card since compute capability 8.0 has.</summary>
internal sealed class WideProducts : ManyRowProducts
{
    /// <summary>Rows up to which <see cref="MiddleProductKernel"/> multiplies them. Counted, not timed.</summary>
    public const int MaxMiddleRows = 64;

    private readonly Action<
        AcceleratorStream,
        KernelConfig,
        NormedRowsView,
        int,
        int,
        ArrayView<UInt4>,
        ArrayView<float>
    > _pack;
    private readonly int _middleStages;
    private readonly Launches _scaled;
    private readonly Launches _gated;
    private readonly Launches _added;
    private ArrayView<UInt4> _packed;

    /// <param name="sharedBytes">Shared memory a group may have.</param>
    public WideProducts(Accelerator accelerator, int sharedBytes)
        : base(accelerator)
    {
        _middleStages =
            MiddleProductKernel.SharedBytes(DeepMiddle.Stages) <= sharedBytes
                ? DeepMiddle.Stages
                : ShallowMiddle.Stages;
        _pack = accelerator.LoadKernel<NormedRowsView, int, int, ArrayView<UInt4>, ArrayView<float>>(
            RowPackKernel.Execute
        );
        _scaled = Load<ScaledResult>();
        _gated = Load<GatedResult>();
        _added = Load<AddedResult>();
    }

    private delegate void Launch(
        AcceleratorStream stream,
        KernelConfig config,
        StepState step,
        TiledWeights weights,
        long weightAddress,
        int outputBlocks,
        ArrayView<UInt4> x,
        long xAddress,
        ProductTarget target
    );

    protected override void Pack(
        AcceleratorStream stream,
        KernelConfig config,
        in ManyRows x,
        int rows,
        int tilesPerRow
    )
    {
        _packed = Grown(_packed, (long)(x.Capacity + 7) / 8 * tilesPerRow * GroupSum.WarpSize);
        _pack(stream, config, x.View, rows, tilesPerRow, _packed, Scales);
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
        var launches = kind switch
        {
            ProductKind.Scaled => _scaled,
            ProductKind.Gated => _gated,
            _ => _added,
        };
        var isMiddle = target.Rows <= MaxMiddleRows;
        var launch = isMiddle ? launches.Middle : launches.Wide;
        var view = weights.View;
        launch(
            stream,
            isMiddle
                ? MiddleProductKernel.Grid(weights.RowBlocks, target.Rows, _middleStages)
                : WideProductKernel.Grid(weights.RowBlocks, target.Rows),
            step,
            view,
            DeviceAddress.Of(Accelerator, view.Loads),
            weights.RowBlocks,
            _packed,
            DeviceAddress.Of(Accelerator, _packed),
            target
        );
    }

    private Launches Load<TResult>()
        where TResult : struct, IProductResult =>
        new(
            SharedKernel.Load<Launch>(
                Accelerator,
                WideProductKernel.Execute<TResult>,
                WideProductKernel.Specialization,
                WideProductKernel.SharedBytes
            ),
            SharedKernel.Load<Launch>(
                Accelerator,
                _middleStages == DeepMiddle.Stages
                    ? MiddleProductKernel.Execute<DeepMiddle, TResult>
                    : MiddleProductKernel.Execute<ShallowMiddle, TResult>,
                MiddleProductKernel.Specialization,
                MiddleProductKernel.SharedBytes(_middleStages)
            )
        );

    /// <summary>The kernels that do the same to totals.</summary>
    private readonly record struct Launches(Launch Wide, Launch Middle);
}
