using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Devices.Ilgpu.Step;

/// <summary>
/// A stage's stream and what makes a step cheap on it: parts of steps recorded as graphs, one per shape; words of the
/// host's memory that it spins on until the device writes them, instead of asking the driver; and the word by which a
/// second stream cuts a step short. On the simulator it only queues.
/// </summary>
internal sealed class StepQueue : IDisposable
{
    // The driver takes a lock that all threads of the process share: it is asked a few thousand times a second at most.
    private const int SpinsPerQuestion = 4096;

    private readonly CudaAccelerator? _cuda;
    private readonly StepRecordings? _recordings;
    private readonly StepClock? _clock;
    private readonly AcceleratorStream _cancelStream;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _cancelled;
    private readonly PageLockedArray1D<int> _cancelledHost;

    public StepQueue(Accelerator accelerator)
    {
        // Never the default stream: it is the legacy null stream, which orders itself against all others.
        Stream = accelerator.CreateStream();
        _cancelStream = accelerator.CreateStream();
        _cancelled = accelerator.AllocateCopy<int>([-1]);
        _cancelledHost = accelerator.AllocatePageLocked1D<int>(1);
        _cuda = accelerator as CudaAccelerator;
        if (_cuda is not null)
        {
            _cuda.Bind();
            _clock = new StepClock();
            _recordings = new StepRecordings(operations => CudaGraph.Capture(Handle, operations));
        }
    }

    /// <summary>Where a step's operations go.</summary>
    public AcceleratorStream Stream { get; }

    /// <summary>Device word: number of the last step that was cut short.</summary>
    public ArrayView<int> Cancelled => _cancelled.View.BaseView;

    /// <summary>When steps began and ended by the device's own clock; null on the simulator.</summary>
    public StepClock? Clock => _clock;

    /// <summary>
    /// True while the device may still read the page-locked memory that the step uploads from, because the host has not
    /// waited yet.
    /// </summary>
    public bool IsBusy { get; private set; }

    private nint Handle => ((CudaStream)Stream).StreamPtr;

    /// <summary>Marks the step's beginning. Binds the device to this thread, as every driver call below needs.</summary>
    public void Begin()
    {
        _cuda?.Bind();
        _clock?.Begin(Handle);
        IsBusy = true;
    }

    /// <summary>Queues a part of a step: replays it if this shape was recorded, records it if it may be.</summary>
    /// <param name="operations">Queues the operations one by one.</param>
    public void Run(StepKey key, Action operations)
    {
        if (_recordings is null)
        {
            operations();
            return;
        }

        _recordings.Run(key, operations);
    }

    /// <summary>Drops all recordings: a buffer they point to has moved.</summary>
    public void ForgetGraphs()
    {
        Stream.Synchronize();
        _recordings?.Forget();
    }

    /// <summary>Makes the next step possible after one has failed; false when the card answers no more.</summary>
    public bool TryRecover()
    {
        try
        {
            _cuda?.Bind();
            Stream.Synchronize();
            _recordings?.Forget();
            IsBusy = false;
            return true;
        }
        catch (Exception e) when (e is CudaException or DeviceException)
        {
            return false;
        }
    }

    /// <summary>Marks the end of the layers, for <see cref="Clock"/>.</summary>
    public void MarkLayers() => _clock?.MarkLayers(Handle);

    /// <summary>Waits until the layers' last kernel has written a step's number; cuts the step short once it is cancelled.</summary>
    /// <param name="word">A word of page-locked memory.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="isCancelled">Asked all the time.</param>
    public bool TryWaitLayers(ref int word, int step, Func<bool> isCancelled)
    {
        if (!TrySpin(ref word, step, isCancelled))
        {
            return false;
        }

        _clock?.NoteLayers();
        IsBusy = false;
        return true;
    }

    /// <summary>Marks the end of what is queued, for <see cref="Clock"/>.</summary>
    public void MarkEnd() => _clock?.MarkEnd(Handle);

    /// <summary>
    /// Waits until the last kernel before <see cref="MarkEnd"/> has written a step's number; cuts the step short once it is cancelled.
    /// </summary>
    /// <param name="word">A word of page-locked memory.</param>
    /// <param name="step">The step's number.</param>
    /// <param name="isCancelled">Asked all the time; null for a step that is wanted to its end.</param>
    public bool TryWaitEnd(ref int word, int step, Func<bool>? isCancelled)
    {
        if (!TrySpin(ref word, step, isCancelled))
        {
            IsBusy = true;
            return false;
        }

        _clock?.NoteEnd();
        IsBusy = false;
        return true;
    }

    /// <summary>Waits for all that was queued.</summary>
    public void Wait()
    {
        if (_clock is null)
        {
            Stream.Synchronize();
        }
        else
        {
            _cuda!.Bind();
            MarkEnd();
            _clock.WaitEnd();
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
        using var graph =
            CudaGraph.Capture(Handle, operations)
            ?? throw new ArgumentException("expected operations, found none", nameof(operations));
        var ms = new double[Rounds];
        for (var i = -3; i < Rounds; i++)
        {
            _clock!.Begin(Handle);
            graph.Launch();
            MarkEnd();
            _clock.WaitEnd();
            if (i >= 0)
            {
                ms[i] = _clock.StepMs;
            }
        }

        return Spread.Median(ms);
    }

    public void Dispose()
    {
        ForgetGraphs();
        _clock?.Dispose();
        _cancelled.Dispose();
        _cancelledHost.Dispose();
        _cancelStream.Dispose();
        Stream.Dispose();
    }

    /// <summary>
    /// Spins until a word is a step's number; false, with the step cut short, once it is cancelled. A card that has failed
    /// writes no word, so now and then the driver is asked.
    /// </summary>
    private bool TrySpin(ref int word, int step, Func<bool>? isCancelled)
    {
        if (_clock is null)
        {
            Stream.Synchronize();
            return isCancelled?.Invoke() != true;
        }

        for (var spins = 1; Volatile.Read(ref word) != step; spins++)
        {
            if (isCancelled?.Invoke() == true)
            {
                Cancel(step);
                return false;
            }

            if (spins % SpinsPerQuestion == 0 && CudaDriver.IsIdle(Handle) && Volatile.Read(ref word) != step)
            {
                throw new DeviceException($"CUDA: step {step} ended without a word");
            }

            Thread.SpinWait(8);
        }

        return true;
    }

    /// <summary>Blocks of the step that begin from now on, and those between two loads, leave their work out.</summary>
    private void Cancel(int step)
    {
        _cancelStream.Synchronize();
        _cancelledHost.Span[0] = step;
        Cancelled.CopyFrom(_cancelStream, _cancelledHost.ArrayView);
    }
}
