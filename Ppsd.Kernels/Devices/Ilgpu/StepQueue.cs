using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Measurement;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// A stage's stream and what makes a step cheap on it: parts of steps recorded as graphs, one per shape; marks the host
/// spins on instead of waiting for the stream; and the word by which a second stream cuts a step short. On the simulator
/// it only queues.
/// </summary>
internal sealed class StepQueue : IDisposable
{
    // A shape that is not recorded yet costs a millisecond once; many sessions of many lengths must not pile up graphs.
    private const int MaxGraphs = 512;

    private readonly CudaAccelerator? _cuda;
    private readonly Dictionary<StepKey, CudaGraph> _graphs = [];
    private readonly HashSet<StepKey> _seen = [];
    private readonly CudaEvent? _begun;
    private readonly CudaEvent? _collectable;
    private readonly CudaEvent? _done;
    private readonly AcceleratorStream _cancelStream;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _cancelled;
    private readonly PageLockedArray1D<int> _cancelledHost;
    private CudaEvent? _reached;
    private double? _deviceMs = 0;

    public StepQueue(Accelerator accelerator)
    {
        // Never the default stream: it is the legacy null stream, which orders itself against all others.
        Stream = accelerator.CreateStream();
        _cancelStream = accelerator.CreateStream();
        _cancelled = accelerator.Allocate1D<int>([-1]);
        _cancelledHost = accelerator.AllocatePageLocked1D<int>(1);
        _cuda = accelerator as CudaAccelerator;
        if (_cuda is not null)
        {
            _cuda.Bind();
            _begun = new CudaEvent();
            _collectable = new CudaEvent();
            _done = new CudaEvent();
        }
    }

    /// <summary>Where a step's operations go.</summary>
    public AcceleratorStream Stream { get; }

    /// <summary>Device word: number of the last step that was cut short.</summary>
    public ArrayView<int> Cancelled => _cancelled.View.BaseView;

    /// <summary>Milliseconds from <see cref="Begin"/> to the last thing waited for; the driver is asked only if somebody is.</summary>
    public double DeviceMs => _deviceMs ??= _reached?.MsSince(_begun!) ?? 0;

    /// <summary>True while the device may still read the page-locked memory that the step uploads from, as nobody has waited.</summary>
    public bool IsBusy { get; private set; }

    private nint Handle => ((CudaStream)Stream).StreamPtr;

    /// <summary>Marks the step's beginning. Binds the device to this thread, as every driver call below needs.</summary>
    public void Begin()
    {
        _cuda?.Bind();
        _begun?.Record(Handle);
        IsBusy = true;
        (_reached, _deviceMs) = (null, 0);
    }

    /// <summary>Queues a part of a step: replays it if this shape was recorded, records it if it may be.</summary>
    /// <param name="key">The shape.</param>
    /// <param name="operations">Queues the operations one by one.</param>
    public void Run(StepKey key, Action operations)
    {
        // The first run with some rows, whatever their contexts, may load kernels, which a recording must not.
        if (_cuda is null || _seen.Add(key with { ContextBucket = 0 }))
        {
            operations();
            return;
        }

        if (!_graphs.TryGetValue(key, out var graph))
        {
            if (_graphs.Count == MaxGraphs)
            {
                ForgetGraphs();
            }

            graph = CudaGraph.Capture(Handle, operations);
            _graphs.Add(key, graph);
        }

        graph.Launch(Handle);
    }

    /// <summary>Drops all recordings: a buffer they point to has moved.</summary>
    public void ForgetGraphs()
    {
        Stream.Synchronize();
        foreach (var graph in _graphs.Values)
        {
            graph.Dispose();
        }

        _graphs.Clear();
    }

    /// <summary>Marks what <see cref="TryWaitCollectable"/> waits for.</summary>
    public void MarkCollectable() => _collectable?.Record(Handle);

    /// <summary>Waits for the mark; cuts step number <paramref name="step"/> short once it is cancelled.</summary>
    public bool TryWaitCollectable(int step, Func<bool> isCancelled)
    {
        if (_collectable is null)
        {
            Stream.Synchronize();
            return !isCancelled();
        }

        while (!_collectable.IsReached)
        {
            if (isCancelled())
            {
                Cancel(step);
                return false;
            }

            Thread.SpinWait(8);
        }

        (_reached, _deviceMs) = (_collectable, null);
        IsBusy = false;
        return true;
    }

    /// <summary>Waits for all that was queued.</summary>
    public void Wait()
    {
        _cuda?.Bind();
        MarkDone();
        WaitDone();
    }

    /// <summary>Marks what <see cref="WaitDone"/> waits for: all that a step queues, or its last part.</summary>
    public void MarkDone() => _done?.Record(Handle);

    /// <summary>Waits for the mark.</summary>
    public void WaitDone()
    {
        if (_done is null)
        {
            Stream.Synchronize();
        }
        else
        {
            _done.Wait();
            (_reached, _deviceMs) = (_done, null);
        }

        IsBusy = false;
    }

    /// <summary>Milliseconds that some operations take, recorded as a step's are; median of several rounds.</summary>
    public double MeasureMs(Action operations)
    {
        const int Rounds = 21;
        operations();
        Stream.Synchronize();
        if (_cuda is null)
        {
            return 0;
        }

        _cuda.Bind();
        using var graph = CudaGraph.Capture(Handle, operations);
        var ms = new double[Rounds];
        for (var i = -3; i < Rounds; i++)
        {
            _begun!.Record(Handle);
            graph.Launch(Handle);
            _done!.Record(Handle);
            _done.Wait();
            if (i >= 0)
            {
                ms[i] = _done.MsSince(_begun);
            }
        }

        return Spread.Median(ms);
    }

    public void Dispose()
    {
        ForgetGraphs();
        _begun?.Dispose();
        _collectable?.Dispose();
        _done?.Dispose();
        _cancelled.Dispose();
        _cancelledHost.Dispose();
        _cancelStream.Dispose();
        Stream.Dispose();
    }

    /// <summary>Blocks of the step that begin from now on, and those between two loads, leave their work out.</summary>
    private void Cancel(int step)
    {
        _cancelStream.Synchronize();
        _cancelledHost.Span[0] = step;
        Cancelled.CopyFrom(_cancelStream, _cancelledHost.ArrayView);
    }
}

/// <summary>What distinguishes recordings of a part of a step.</summary>
/// <param name="Part">The part.</param>
/// <param name="Rows">Rows of the step.</param>
/// <param name="FirstRow">First row treated apart.</param>
/// <param name="ContextBucket">Context length the launch has room for, in tokens.</param>
/// <param name="HasFilters">True when a head's draws exclude tokens, which takes a kernel more.</param>
internal readonly record struct StepKey(StepPart Part, int Rows, int FirstRow, int ContextBucket, bool HasFilters);
