using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Step;

/// <summary>Rows that a step returns to the host, in page-locked memory that the device writes.</summary>
internal sealed class CollectedRows : IDisposable
{
    private const int InitialLength = 4096;

    private readonly Accelerator _accelerator;
    private readonly StepQueue _queue;
    private readonly IlgpuKernels _kernels;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _done;
    private readonly PageLockedArray1D<int> _word;
    private PageLockedArray1D<float> _rows;
    private int _length;

    public CollectedRows(Accelerator accelerator, StepQueue queue, IlgpuKernels kernels)
    {
        _accelerator = accelerator;
        _queue = queue;
        _kernels = kernels;
        _done = accelerator.AllocateElements<int>(1);
        _done.MemSetToZero();
        accelerator.DefaultStream.Synchronize();
        _word = accelerator.AllocatePageLocked1D<int>(1);
        _word.Span[0] = 0;
        _rows = accelerator.AllocatePageLocked1D<float>(InitialLength);
    }

    /// <summary>The rows of the last step, [rows, width]; valid until the next.</summary>
    public ReadOnlySpan<float> Values => _rows.Span[.._length];

    /// <summary>Queues the copy, behind the step's layers.</summary>
    /// <param name="step">The step's number, on the device.</param>
    /// <param name="rows">Number of rows; with 0 only completion is signalled.</param>
    public void Queue(ArrayView<int> step, IlgpuActivations source, int rows)
    {
        _length = rows * source.Width;
        if (_length > _rows.Length)
        {
            _queue.Stream.Synchronize();
            _rows.Dispose();
            _rows = _accelerator.AllocatePageLocked1D<float>(_length);
        }

        var groups = rows == 0 ? 1 : (source.Width + CollectKernel.GroupSize - 1) / CollectKernel.GroupSize;
        _kernels.Collect(
            _queue.Stream,
            new KernelConfig(new Index2D(groups, Math.Max(rows, 1)), new Index2D(CollectKernel.GroupSize, 1)),
            step,
            source.View,
            source.Stride,
            rows == 0 ? 0 : source.Width,
            _rows.ArrayView,
            _done.View.BaseView,
            _word.ArrayView
        );
        _queue.MarkLayers();
    }

    /// <summary>Waits for the rows of a step; cuts it short once it is cancelled, and returns false.</summary>
    public bool TryWait(int step, Func<bool> isCancelled) => _queue.TryWaitLayers(ref _word.Span[0], step, isCancelled);

    public void Dispose()
    {
        _done.Dispose();
        _word.Dispose();
        _rows.Dispose();
    }
}
