using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Devices.Ilgpu.Step;

/// <summary>
/// How long a card works on steps, by its own clock. Marks are put behind what a step queues; what passed between them
/// is read from the driver only on demand, and for the previous step even after this one has started, so that nothing
/// is read between two steps. Used by the stage's thread.
/// </summary>
internal sealed class StepClock : IDisposable
{
    private readonly Marks[] _marks = [new(), new()];
    private int _current;
    private double _totalMs;

    private Marks Current => _marks[_current];

    /// <summary>Milliseconds from <see cref="Begin"/> to the last mark that was waited for; 0 before.</summary>
    public double StepMs => Current.Ms();

    /// <summary>The same of all steps.</summary>
    public double TotalMs => _totalMs + _marks[1 - _current].Ms() + Current.Ms();

    /// <summary>A step begins. The device's driver context must be bound to this thread.</summary>
    public void Begin(nint stream)
    {
        _current = 1 - _current;
        _totalMs += Current.Ms();
        Current.Begin(stream);
    }

    /// <summary>Puts a mark behind the step's layers.</summary>
    public void MarkLayers(nint stream) => Current.Layers.Record(stream);

    /// <summary>Puts a mark behind a head, or whatever the step has queued.</summary>
    public void MarkEnd(nint stream) => Current.End.Record(stream);

    /// <summary>The layers' results are there.</summary>
    public void NoteLayers() => Current.Note(Current.Layers);

    /// <summary>What stands before the last <see cref="MarkEnd"/> is done.</summary>
    public void NoteEnd() => Current.Note(Current.End);

    /// <summary>Waits for the last <see cref="MarkEnd"/>.</summary>
    public void WaitEnd()
    {
        Current.End.Wait();
        NoteEnd();
    }

    public void Dispose()
    {
        foreach (var marks in _marks)
        {
            marks.Dispose();
        }
    }

    /// <summary>Marks of a step.</summary>
    private sealed class Marks : IDisposable
    {
        private readonly CudaEvent _begun = new();
        private CudaEvent? _reached;
        private double? _ms = 0;

        public CudaEvent Layers { get; } = new();

        public CudaEvent End { get; } = new();

        public void Begin(nint stream)
        {
            _begun.Record(stream);
            (_reached, _ms) = (null, 0);
        }

        public void Note(CudaEvent mark) => (_reached, _ms) = (mark, null);

        /// <summary>Results are there a moment before the mark behind them is reached, hence the wait.</summary>
        public double Ms()
        {
            if (_ms is null)
            {
                _reached!.Wait();
                _ms = _reached.MsSince(_begun);
            }

            return _ms.Value;
        }

        public void Dispose()
        {
            _begun.Dispose();
            Layers.Dispose();
            End.Dispose();
        }
    }
}
