using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>Launches products for a few rows of x: decode steps.</summary>
internal sealed class NarrowProducts
{
    private const int LoadBytes = 16;

    private readonly Accelerator _accelerator;
    private readonly int _ringStages;
    private readonly Project _project;
    private readonly Project _projectGated;
    private readonly Add _add;

    public NarrowProducts(Accelerator accelerator)
    {
        _accelerator = accelerator;
        _ringStages = accelerator is CudaAccelerator cuda ? FittingStages(cuda) : ProductRing.MaxStageCount;
        _project = Load<Project>(ProductKernels.Project);
        _projectGated = Load<Project>(ProductKernels.ProjectGated);
        _add = Load<Add>(ProductKernels.AddToResidual);
    }

    private delegate void Project(
        AcceleratorStream stream,
        KernelConfig config,
        StepState step,
        ProductSource source,
        ArrayView<float> y,
        int yStride
    );

    private delegate void Add(
        AcceleratorStream stream,
        KernelConfig config,
        StepState step,
        ProductSource source,
        ArrayView<float> hidden,
        int hiddenStride,
        NormedRowsView normed
    );

    /// <summary>Queues y[row] = W norm(x[row]).</summary>
    public void Multiply(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows,
        IlgpuActivations y
    ) => Queue(_project, stream, step, Source(weights, x, rows), y);

    /// <summary>Queues y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    public void MultiplyGated(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows,
        IlgpuActivations y
    ) => Queue(_projectGated, stream, step, Source(weights, x, rows), y);

    /// <summary>Queues hidden[row] += W x[row] and half of the next norm.</summary>
    public void AddTo(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows,
        IlgpuActivations hidden,
        NormedRowsView normed
    )
    {
        var source = Source(weights, x, rows);
        _add(stream, Config(source), step, source, hidden.View, hidden.Stride, normed);
    }

    private static void Queue(
        Project kernel,
        AcceleratorStream stream,
        StepState step,
        in ProductSource source,
        IlgpuActivations y
    ) => kernel(stream, Config(source), step, source, y.View, y.Stride);

    /// <summary>The deepest ring that leaves the kernels what they declare.</summary>
    private static int FittingStages(CudaAccelerator accelerator)
    {
        var room = CudaDriver.SharedMemoryLimit(accelerator.DeviceId);
        var stages = ProductRing.MaxStageCount;
        while (stages > 2 && ProductRing.SharedLoads(stages) * LoadBytes > room)
        {
            stages /= 2;
        }

        return stages;
    }

    private static KernelConfig Config(in ProductSource source) =>
        new(
            new Index2D(source.Schedule.Groups, (source.Rows + TensorCore.Width - 1) / TensorCore.Width),
            new Index2D(ProductRing.GroupSize, 1),
            SharedMemoryConfig.RequestDynamic<UInt4>(ProductRing.SharedLoads(source.RingStages))
        );

    private ProductSource Source(IlgpuTiledMatrix weights, NormedRowsView x, int rows)
    {
        var view = weights.View;
        return new ProductSource
        {
            Weights = view,
            WeightAddress = DeviceAddress.Of(_accelerator, view.Loads),
            Schedule = UnitSchedule.For(weights.RowBlocks, _accelerator.NumMultiprocessors),
            X = x,
            XAddress = DeviceAddress.Of(_accelerator, x.Values),
            Rows = rows,
            RingStages = _ringStages,
        };
    }

    private TLauncher Load<TLauncher>(Delegate kernel)
        where TLauncher : Delegate =>
        SharedKernel.Load<TLauncher>(
            _accelerator,
            kernel,
            ProductKernels.Specialization,
            ProductRing.SharedLoads(_ringStages) * LoadBytes
        );
}
