using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Step;

/// <summary>The rows of a chain's further steps, in device memory by one upload; see <see cref="StepWords"/>.</summary>
internal sealed class ChainWords : IDisposable
{
    private const int InitialLength = 1 << 14;

    private readonly Accelerator _accelerator;
    private readonly RowContextUpload _layout = new();
    private readonly List<int> _starts = [];
    private MemoryBuffer1D<int, Stride1D.Dense>? _device;
    private PageLockedArray1D<int>? _host;

    /// <summary>Allocates nothing yet: few stages have a chain.</summary>
    public ChainWords(Accelerator accelerator) => _accelerator = accelerator;

    /// <summary>The rows of a step of the chain, from 1, as kernels see them. Moves when a chain is longer than all before it.</summary>
    public RowContexts Rows(int step) =>
        new() { Words = _device!.View.BaseView.SubView(_starts[step - 1], _device.Length - _starts[step - 1]) };

    /// <summary>Queues the upload. The step before must be over: its upload reads the same memory.</summary>
    public void Begin(IReadOnlyList<StepBatch> steps, StepQueue queue)
    {
        _starts.Clear();
        var start = 0;
        foreach (var step in steps)
        {
            _starts.Add(start);
            start += step.RowCount * RowContexts.Stride;
        }

        var words = _layout.Write(steps);
        if (_device is null || words.Length > _device.Length)
        {
            if (_device is not null)
            {
                queue.ForgetGraphs();
                Dispose();
            }

            var length = Math.Max(InitialLength, 2 * words.Length);
            _device = _accelerator.AllocateElements<int>(length);
            _host = _accelerator.AllocatePageLocked1D<int>(length);
        }

        words.CopyTo(_host!.Span);
        _device.View.BaseView.SubView(0, words.Length).CopyFrom(queue.Stream, _host.ArrayView.SubView(0, words.Length));
    }

    public void Dispose()
    {
        _device?.Dispose();
        _host?.Dispose();
    }
}
