using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>Listed logits in a device's memory.</summary>
internal sealed class IlgpuListedLogits : ListedLogits
{
    private readonly DrawKernels _kernels;
    private readonly StepQueue _queue;
    private readonly IlgpuActivations _listed;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _places;

    /// <param name="kernels">Has the kernel.</param>
    /// <param name="queue">The stage's stream.</param>
    /// <param name="rows">Most rows.</param>
    /// <param name="vocabSize">Tokens of the vocabulary.</param>
    /// <param name="tokens">The list, ascending.</param>
    public IlgpuListedLogits(
        Accelerator accelerator,
        DrawKernels kernels,
        StepQueue queue,
        int rows,
        int vocabSize,
        ReadOnlySpan<int> tokens
    )
    {
        _kernels = kernels;
        _queue = queue;
        _listed = new IlgpuActivations(accelerator, rows, tokens.Length);
        var places = new int[vocabSize];
        Array.Fill(places, -1);
        for (var i = 0; i < tokens.Length; i++)
        {
            places[tokens[i]] = i;
        }

        _places = accelerator.AllocateCopy(places);
    }

    public override Activations Listed => _listed;

    public override void Spread(Activations logits, int rows)
    {
        var to = (IlgpuActivations)logits;
        var groups = (to.Width + SpreadKernel.GroupSize - 1) / SpreadKernel.GroupSize;
        _kernels.Spread(
            _queue.Stream,
            new KernelConfig(new Index2D(groups, rows), new Index2D(SpreadKernel.GroupSize, 1)),
            _places.View.BaseView,
            _listed.View,
            _listed.Stride,
            to.View,
            to.Stride
        );
    }

    public override void Dispose()
    {
        _listed.Dispose();
        _places.Dispose();
    }
}
