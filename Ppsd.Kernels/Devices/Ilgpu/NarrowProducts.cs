using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>Launches products for a few rows of x: decode steps.</summary>
internal sealed class NarrowProducts
{
    /// <summary>Stages of a ring, of which the most that fit are taken.</summary>
    private static readonly int[] _depths = [ProductRing.DeepStages, ProductRing.WideStages, ProductRing.SmallStages];

    /// <summary>What the simulator stands for.</summary>
    private const int HopperSharedBytes = 227 * 1024;

    private readonly Accelerator _accelerator;
    private readonly int _sharedLoads;
    private readonly Project _project;
    private readonly Project _projectGated;
    private readonly Add _add;

    public NarrowProducts(Accelerator accelerator)
    {
        _accelerator = accelerator;
        _sharedLoads = accelerator is CudaAccelerator cuda
            ? CudaDriver.SharedMemoryLimit(cuda.DeviceId) / RingStage.LoadBytes
            : HopperSharedBytes / RingStage.LoadBytes;
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

    /// <summary>Stages of the deepest ring that fits beside the sums.</summary>
    private int FittingStages(int width) =>
        Array.Find(_depths, depth => ProductRing.SharedLoads(depth, width) <= _sharedLoads) is > 0 and var fitting
            ? fitting
            : _depths[^1];

    private static KernelConfig Config(in ProductSource source) =>
        new(
            new Index2D(source.Schedule.Groups, (source.Rows + TensorCore.Width - 1) / TensorCore.Width),
            new Index2D(ProductRing.GroupSize, 1),
            SharedMemoryConfig.RequestDynamic<UInt4>(ProductRing.SharedLoads(source.RingStages, source.Width))
        );

    private ProductSource Source(IlgpuTiledMatrix weights, NormedRowsView x, int rows)
    {
        var view = weights.View;
        var width = Math.Min(rows, TensorCore.Width);
        return new ProductSource
        {
            Weights = view,
            WeightAddress = DeviceAddress.Of(_accelerator, view.Loads),
            Schedule = UnitSchedule.For(weights.RowBlocks, _accelerator.NumMultiprocessors),
            X = x,
            XAddress = DeviceAddress.Of(_accelerator, x.Values),
            Rows = rows,
            Width = width,
            RingStages = FittingStages(width),
        };
    }

    private int MostSharedLoads() =>
        Enumerable.Range(1, TensorCore.Width).Max(width => ProductRing.SharedLoads(FittingStages(width), width));

    private TLauncher Load<TLauncher>(Delegate kernel)
        where TLauncher : Delegate =>
        SharedKernel.Load<TLauncher>(
            _accelerator,
            kernel,
            ProductKernels.Specialization,
            MostSharedLoads() * RingStage.LoadBytes
        );
}
