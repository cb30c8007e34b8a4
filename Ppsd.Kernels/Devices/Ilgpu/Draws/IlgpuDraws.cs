using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products;
using Ppsd.Kernels.Devices.Ilgpu.Step;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>Draws on a device, which writes a few words a row to page-locked memory of the host's.</summary>
internal sealed class IlgpuDraws : TokenDraws
{
    private readonly StepQueue _queue;
    private readonly StepWords _words;
    private readonly MatrixQueue _rows;
    private readonly DrawKernels _kernels;
    private readonly int _vocabSize;
    private readonly int _groups;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _thresholds;
    private readonly MemoryBuffer1D<ulong, Stride1D.Dense> _keys;
    private readonly MemoryBuffer1D<SoftmaxTotal, Stride1D.Dense> _totals;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _done;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _tokens;
    private readonly PageLockedArray1D<int> _results;
    private readonly DrawBuffers _buffers;

    /// <param name="queue">The stage's stream.</param>
    /// <param name="current">Whose rows are drawn for, and what they want.</param>
    /// <param name="rows">Most rows.</param>
    /// <param name="vocabSize">Tokens.</param>
    public IlgpuDraws(
        Accelerator accelerator,
        DrawKernels kernels,
        StepQueue queue,
        StepWords words,
        MatrixQueue current,
        int rows,
        int vocabSize
    )
    {
        _queue = queue;
        _words = words;
        _rows = current;
        _kernels = kernels;
        _vocabSize = vocabSize;
        _groups = (vocabSize + DrawKernel.GroupTokens - 1) / DrawKernel.GroupTokens;
        _thresholds = accelerator.AllocateElements<float>(rows);
        _keys = accelerator.AllocateElements<ulong>((long)rows * _groups * MaxDrafts);
        _totals = accelerator.AllocateElements<SoftmaxTotal>((long)rows * _groups);
        _done = accelerator.AllocateElements<int>(rows);
        _tokens = accelerator.AllocateElements<int>(rows);
        _done.MemSetToZero();
        _tokens.MemSetToZero();
        _results = accelerator.AllocatePageLocked1D<int>(rows * DrawBuffers.ResultStride);
        _results.Span.Clear();
        accelerator.DefaultStream.Synchronize();
        _buffers = new DrawBuffers
        {
            Thresholds = _thresholds.View.BaseView,
            Keys = _keys.View.BaseView,
            Totals = _totals.View.BaseView,
            Done = _done.View.BaseView,
            Tokens = _tokens.View.BaseView,
            Results = _results.ArrayView,
        };
    }

    /// <summary>The best token of each row, on the device.</summary>
    public ArrayView<int> Tokens => _tokens.View.BaseView;

    public override void Queue(Activations logits, int firstRow, int rows)
    {
        var from = (IlgpuActivations)logits;
        if (_words.HasFilters)
        {
            _kernels.Filter(
                _queue.Stream,
                new KernelConfig(rows, FilterKernel.GroupSize),
                _rows.Contexts,
                firstRow,
                from.Loads,
                from.Stride / 4,
                _vocabSize,
                _buffers.Thresholds
            );
        }

        _kernels.Draw(
            _queue.Stream,
            new KernelConfig(new Index2D(_groups, rows), new Index2D(DrawKernel.GroupSize, 1)),
            _words.Current,
            _rows.Contexts,
            firstRow,
            from.Loads,
            from.Stride / 4,
            _vocabSize,
            _words.HasFilters ? 1 : 0,
            _buffers
        );
    }

    public override void Expect() => _queue.MarkEnd();

    public override int Read(int row, Span<DraftToken> drafts, Func<bool>? isCancelled = null)
    {
        var result = _results.Span.Slice(row * DrawBuffers.ResultStride, DrawBuffers.ResultStride);
        if (!_queue.TryWaitEnd(ref result[DrawBuffers.StepWord], _words.StepNumber, isCancelled))
        {
            return Cancelled;
        }

        if (result[0] < drafts.Length)
        {
            return 0;
        }

        var count = Math.Min(result[1], drafts.Length);
        for (var i = 0; i < count; i++)
        {
            drafts[i] = new DraftToken(result[2 + i], BitConverter.Int32BitsToSingle(result[2 + MaxDrafts + i]));
        }

        return count;
    }

    public override void Dispose()
    {
        _thresholds.Dispose();
        _keys.Dispose();
        _totals.Dispose();
        _done.Dispose();
        _tokens.Dispose();
        _results.Dispose();
    }
}
