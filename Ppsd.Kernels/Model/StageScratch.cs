using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;

namespace Ppsd.Kernels.Model;

/// <summary>Buffers that every layer of a stage shares, allocated once for the largest step.</summary>
internal sealed class StageScratch : IDisposable
{
    public StageScratch(Backend backend, ModelConfig config, int feedForwardSize, int maxRows)
    {
        var shape = AttentionShape.Of(config);
        Hidden = backend.AllocateActivations(maxRows, config.HiddenSize);
        Normed = backend.AllocateNormed(maxRows, config.HiddenSize);
        QueryKeyValue = backend.AllocateActivations(maxRows, shape.QkvWidth);
        Attended = backend.AllocateProductInput(maxRows, shape.QueryWidth);
        GateUp = backend.AllocateActivations(maxRows, 2 * feedForwardSize);
        FeedForward = backend.AllocateProductInput(maxRows, feedForwardSize);
    }

    /// <summary>The residual stream, [rows, hiddenSize].</summary>
    public Activations Hidden { get; }

    /// <summary>Input of a block after its norm, [rows, hiddenSize].</summary>
    public NormedRows Normed { get; }

    /// <summary>[rows, queryWidth + 2 kvWidth].</summary>
    public Activations QueryKeyValue { get; }

    /// <summary>Attention's output, [rows, queryWidth].</summary>
    public Activations Attended { get; }

    /// <summary>[rows, 2 intermediateSize].</summary>
    public Activations GateUp { get; }

    /// <summary>[rows, intermediateSize].</summary>
    public Activations FeedForward { get; }

    public void Dispose()
    {
        Hidden.Dispose();
        Normed.Dispose();
        QueryKeyValue.Dispose();
        Attended.Dispose();
        GateUp.Dispose();
        FeedForward.Dispose();
    }
}
