using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>
/// Launches products for more rows of x than the narrow ring takes at once, and owns the memory they stage x in.
/// </summary>
internal sealed class WideProducts : IDisposable
{
    /// <summary>Rows from which on these products are faster than a narrow one for every eight.</summary>
    public const int MinRows = TensorCore.Width + 1;

    /// <summary>Rows up to which <see cref="MiddleProductKernel"/> multiplies them. Counted, not timed.</summary>
    public const int MaxMiddleRows = 64;

    private readonly Accelerator _accelerator;
    private readonly List<IDisposable> _buffers = [];
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
    private ArrayView<float> _scales;

    /// <param name="accelerator">The device.</param>
    /// <param name="sharedBytes">Shared memory a group may have.</param>
    public WideProducts(Accelerator accelerator, int sharedBytes)
    {
        _accelerator = accelerator;
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

    /// <summary>Queues y[row] = W norm(x[row]).</summary>
    public void Project(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int capacity,
        int rows,
        IlgpuActivations y
    ) => Queue(_scaled, stream, step, weights, x, capacity, rows, y);

    /// <summary>Queues y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    public void ProjectGated(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int capacity,
        int rows,
        IlgpuProductInput y
    ) => Queue(_gated, stream, step, weights, x, capacity, rows, y);

    /// <summary>Queues y[row] += W x[row].</summary>
    public void Add(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int capacity,
        int rows,
        IlgpuActivations y
    ) => Queue(_added, stream, step, weights, x, capacity, rows, y);

    public void Dispose() => _buffers.ForEach(buffer => buffer.Dispose());

    private Launches Load<TResult>()
        where TResult : struct, IProductResult =>
        new(
            SharedKernel.Load<Launch>(
                _accelerator,
                WideProductKernel.Execute<TResult>,
                WideProductKernel.Specialization,
                WideProductKernel.SharedBytes
            ),
            SharedKernel.Load<Launch>(
                _accelerator,
                _middleStages == DeepMiddle.Stages
                    ? MiddleProductKernel.Execute<DeepMiddle, TResult>
                    : MiddleProductKernel.Execute<ShallowMiddle, TResult>,
                MiddleProductKernel.Specialization,
                MiddleProductKernel.SharedBytes(_middleStages)
            )
        );

    private void Queue(
        Launches product,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int capacity,
        int rows,
        IlgpuRows y
    )
    {
        Reserve(capacity, weights.TilesPerRow);
        var groups = (weights.TilesPerRow * GroupSum.WarpSize + RowPackKernel.GroupSize - 1) / RowPackKernel.GroupSize;
        _pack(
            stream,
            new KernelConfig(new Index2D(groups, (rows + 7) / 8), new Index2D(RowPackKernel.GroupSize, 1)),
            x,
            rows,
            weights.TilesPerRow,
            _packed,
            _scales
        );
        var view = weights.View;
        var isMiddle = rows <= MaxMiddleRows;
        var launch = isMiddle ? product.Middle : product.Wide;
        launch(
            stream,
            isMiddle
                ? MiddleProductKernel.Grid(weights.RowBlocks, rows, _middleStages)
                : WideProductKernel.Grid(weights.RowBlocks, rows),
            step,
            view,
            DeviceAddress.Of(_accelerator, view.Loads),
            weights.RowBlocks,
            _packed,
            DeviceAddress.Of(_accelerator, _packed),
            new ProductTarget
            {
                Y = y.View,
                Stride = y.Stride,
                Rows = rows,
                Outputs = view.Rows,
                Scales = _scales,
            }
        );
    }

    /// <summary>Makes room; what was there before stays, because a recorded step may still point to it.</summary>
    private void Reserve(int rows, int tilesPerRow)
    {
        var loads = (rows + 7L) / 8 * tilesPerRow * GroupSum.WarpSize;
        if (loads > _packed.Length)
        {
            var buffer = _accelerator.AllocateElements<UInt4>(loads);
            _buffers.Add(buffer);
            _packed = buffer.View.BaseView;
        }

        if (rows > _scales.Length)
        {
            var buffer = _accelerator.AllocateElements<float>(rows);
            _buffers.Add(buffer);
            _scales = buffer.View.BaseView;
        }
    }

    /// <summary>The kernels that do the same to totals.</summary>
    private readonly record struct Launches(Launch Wide, Launch Middle);
}
