using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Step;

/// <summary>The integers of a step, in device memory by one upload: its number, then its rows.</summary>
internal sealed class StepWords : IDisposable
{
    // Words of a full-length context and some rows; more than these make recorded steps void.
    private const int InitialLength = 1 << 15;

    /// <summary>Words before those of the rows: the step's number, and padding for alignment.</summary>
    private const int HeaderLength = 4;

    private readonly Accelerator _accelerator;
    private readonly RowContextUpload _layout = new();
    private MemoryBuffer1D<int, Stride1D.Dense> _device;
    private PageLockedArray1D<int> _host;

    public StepWords(Accelerator accelerator)
    {
        _accelerator = accelerator;
        _device = accelerator.AllocateElements<int>(InitialLength);
        _device.MemSetToZero();
        accelerator.DefaultStream.Synchronize();
        _host = accelerator.AllocatePageLocked1D<int>(InitialLength);
    }

    /// <summary>Number of the current step.</summary>
    public int StepNumber { get; private set; }

    /// <summary>What attention treats alike among the step's rows.</summary>
    public RowRanges Ranges { get; } = new();

    /// <summary>True when a row that the device draws for excludes some tokens.</summary>
    public bool HasFilters { get; private set; }

    /// <summary>The step's number, as kernels see it. Moves when a step is longer than all before it.</summary>
    public ArrayView<int> Current => _device.View.BaseView.SubView(0, 1);

    /// <summary>The step's rows, as kernels see them. Moves when a step is longer than all before it.</summary>
    public RowContexts Rows =>
        new() { Words = _device.View.BaseView.SubView(HeaderLength, _device.Length - HeaderLength) };

    /// <summary>Begins a step with its upload. The one before must be over: its upload reads the same memory.</summary>
    public void Begin(StepBatch batch, StepQueue queue)
    {
        var words = _layout.Write(batch);
        var length = HeaderLength + words.Length;
        if (length > _device.Length)
        {
            queue.ForgetGraphs();
            Dispose();
            _device = _accelerator.AllocateElements<int>(words.Length * 2);
            _host = _accelerator.AllocatePageLocked1D<int>(words.Length * 2);
        }

        HasFilters = batch.HasFilters;
        Ranges.Find(words, batch.RowCount);
        queue.Begin();
        _host.Span[0] = ++StepNumber;
        words.CopyTo(_host.Span[HeaderLength..]);
        _device.View.BaseView.SubView(0, length).CopyFrom(queue.Stream, _host.ArrayView.SubView(0, length));
    }

    public void Dispose()
    {
        _device.Dispose();
        _host.Dispose();
    }
}
