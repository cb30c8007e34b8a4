using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>Launches products for a few rows of x: decode steps.</summary>
internal sealed class NarrowProducts
{
    private readonly Accelerator _accelerator;
    private readonly int _sharedLoads;
    private readonly Dictionary<(int Stages, bool IsQuad), ProductLaunches> _launches = [];

    /// <summary>Compiles nothing yet.</summary>
    /// <param name="sharedBytes">Shared memory a group may have.</param>
    public NarrowProducts(Accelerator accelerator, int sharedBytes)
    {
        _accelerator = accelerator;
        _sharedLoads = sharedBytes / SharedCopy.LoadBytes;
    }

    /// <summary>Queues y[row] = W norm(x[row]).</summary>
    public void Multiply(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows,
        IlgpuActivations y
    )
    {
        var (launches, config, source) = Prepare(weights, x, rows);
        launches.Project(stream, config, step, source, y.View, y.Stride);
    }

    /// <summary>Queues y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    public void MultiplyGated(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows,
        IlgpuProductInput y
    )
    {
        var (launches, config, source) = Prepare(weights, x, rows);
        launches.ProjectGated(stream, config, step, source, y.View, y.Stride);
    }

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
        var (launches, config, source) = Prepare(weights, x, rows);
        launches.AddToResidual(stream, config, step, source, hidden.View, hidden.Stride, normed);
    }

    /// <summary>The kernels that multiply a matrix by some rows, how they are launched, and what they read.</summary>
    private (ProductLaunches Launches, KernelConfig Config, ProductSource Source) Prepare(
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows
    )
    {
        var view = weights.View;
        var source = new ProductSource
        {
            Weights = view,
            WeightAddress = DeviceAddress.Of(_accelerator, view.Loads),
            Schedule = UnitSchedule.For(weights.RowBlocks, _accelerator.NumMultiprocessors),
            X = x,
            XAddress = DeviceAddress.Of(_accelerator, x.Values),
            Rows = rows,
            Width = Math.Min(rows, TensorCore.Width),
        };
        var stages = RingDepths.Fitting(source.Width, _sharedLoads);
        var config = new KernelConfig(
            new Index2D(source.Schedule.Groups, (rows + TensorCore.Width - 1) / TensorCore.Width),
            new Index2D(RingMemory.GroupSize, 1),
            SharedMemoryConfig.RequestDynamic<UInt4>(RingMemory.Loads(stages, source.Width))
        );
        return (LaunchesOf(stages, source.Schedule.HasQuads), config, source);
    }

    private ProductLaunches LaunchesOf(int stages, bool isQuad)
    {
        if (!_launches.TryGetValue((stages, isQuad), out var launches))
        {
            launches = ProductLaunches.Create(_accelerator, stages, isQuad, _sharedLoads);
            _launches.Add((stages, isQuad), launches);
        }

        return launches;
    }
}
