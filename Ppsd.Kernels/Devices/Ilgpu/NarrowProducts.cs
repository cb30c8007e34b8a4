using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>Launches products for a few rows of x: decode steps.</summary>
internal sealed class NarrowProducts
{
    private readonly Accelerator _accelerator;
    private readonly int _sharedLoads;
    private readonly Dictionary<(int Stages, bool IsQuad), ProductLaunches> _launches = [];

    /// <summary>Compiles nothing yet.</summary>
    /// <param name="accelerator">The device.</param>
    /// <param name="sharedBytes">Shared memory a group may have; by default what the device says.</param>
    public NarrowProducts(Accelerator accelerator, int? sharedBytes = null)
    {
        _accelerator = accelerator;
        _sharedLoads = (sharedBytes ?? SharedKernel.Limit(accelerator)) / RingStage.LoadBytes;
    }

    /// <summary>Queues y[row] = W norm(x[row]).</summary>
    public void Multiply(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows,
        IlgpuActivations y
    ) => For(weights, rows).Project(stream, Config(weights, rows), step, Source(weights, x, rows), y.View, y.Stride);

    /// <summary>Queues y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    public void MultiplyGated(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows,
        IlgpuActivations y
    ) =>
        For(weights, rows)
            .ProjectGated(stream, Config(weights, rows), step, Source(weights, x, rows), y.View, y.Stride);

    /// <summary>Queues hidden[row] += W x[row] and half of the next norm.</summary>
    public void AddTo(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int rows,
        IlgpuActivations hidden,
        NormedRowsView normed
    ) =>
        For(weights, rows)
            .AddToResidual(
                stream,
                Config(weights, rows),
                step,
                Source(weights, x, rows),
                hidden.View,
                hidden.Stride,
                normed
            );

    private static int WidthOf(int rows) => Math.Min(rows, TensorCore.Width);

    private ProductLaunches For(IlgpuTiledMatrix weights, int rows)
    {
        var form = (Stages: RingDepths.Fitting(WidthOf(rows), _sharedLoads), IsQuad: ScheduleOf(weights).HasQuads);
        if (!_launches.TryGetValue(form, out var launches))
        {
            launches = ProductLaunches.Create(_accelerator, form.Stages, form.IsQuad, _sharedLoads);
            _launches.Add(form, launches);
        }

        return launches;
    }

    private UnitSchedule ScheduleOf(IlgpuTiledMatrix weights) =>
        UnitSchedule.For(weights.RowBlocks, _accelerator.NumMultiprocessors);

    private KernelConfig Config(IlgpuTiledMatrix weights, int rows)
    {
        var width = WidthOf(rows);
        return new KernelConfig(
            new Index2D(ScheduleOf(weights).Groups, (rows + TensorCore.Width - 1) / TensorCore.Width),
            new Index2D(RingMemory.GroupSize, 1),
            SharedMemoryConfig.RequestDynamic<UInt4>(RingMemory.Loads(RingDepths.Fitting(width, _sharedLoads), width))
        );
    }

    private ProductSource Source(IlgpuTiledMatrix weights, NormedRowsView x, int rows)
    {
        var view = weights.View;
        return new ProductSource
        {
            Weights = view,
            WeightAddress = DeviceAddress.Of(_accelerator, view.Loads),
            Schedule = ScheduleOf(weights),
            X = x,
            XAddress = DeviceAddress.Of(_accelerator, x.Values),
            Rows = rows,
            Width = WidthOf(rows),
        };
    }
}
