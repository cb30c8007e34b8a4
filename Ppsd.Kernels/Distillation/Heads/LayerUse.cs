using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>One use of a trained layer in a pass: what its gradient will read, and the gradients that flow through it.</summary>
internal sealed class LayerUse : IDisposable
{
    public LayerUse(TrainingDevice device, ModelConfig config, int maxRows)
    {
        var hidden = config.HiddenSize;
        Kept = new LayerScratch(device, config, maxRows);
        Middle = device.Allocate(maxRows, hidden);
        MiddleNormed = device.Allocate(maxRows, hidden);
        MiddleInverse = device.Allocate(maxRows, 1);
        Output = device.Allocate(maxRows, hidden);
        Gradient = device.Allocate(maxRows, hidden);
        QueryKeyValueGradient = device.Allocate(
            maxRows,
            new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadSize).QkvWidth
        );
    }

    /// <summary>Intermediate results of the forward pass.</summary>
    public LayerScratch Kept { get; }

    /// <summary>The layer's input; owned by the caller.</summary>
    public Activations? Input { get; set; }

    /// <summary>The residual stream between the two blocks.</summary>
    public Activations Middle { get; }

    /// <summary>That after the feed-forward block's norm.</summary>
    public Activations MiddleNormed { get; }

    /// <summary>That norm's inverse root mean squares.</summary>
    public Activations MiddleInverse { get; }

    /// <summary>The layer's output.</summary>
    public Activations Output { get; }

    /// <summary>The output's gradient, which the backward pass turns into the input's.</summary>
    public Activations Gradient { get; }

    /// <summary>Gradient of queries, keys and values.</summary>
    public Activations QueryKeyValueGradient { get; }

    public void Dispose()
    {
        Kept.Dispose();
        Middle.Dispose();
        MiddleNormed.Dispose();
        MiddleInverse.Dispose();
        Output.Dispose();
        Gradient.Dispose();
        QueryKeyValueGradient.Dispose();
    }
}

/// <summary>Gradients that live only within one layer's backward pass; one set serves all layers.</summary>
internal sealed class LayerGradientScratch : IDisposable
{
    public LayerGradientScratch(TrainingDevice device, ModelConfig config, int maxRows)
    {
        Normed = device.Allocate(maxRows, config.HiddenSize);
        Attended = device.Allocate(maxRows, config.HeadCount * config.HeadSize);
        GateUp = device.Allocate(maxRows, 2 * config.IntermediateSize);
        FeedForward = device.Allocate(maxRows, config.IntermediateSize);
    }

    /// <summary>After a norm.</summary>
    public Activations Normed { get; }

    /// <summary>Attention's output.</summary>
    public Activations Attended { get; }

    /// <summary>Gate and up.</summary>
    public Activations GateUp { get; }

    /// <summary>silu(gate) * up.</summary>
    public Activations FeedForward { get; }

    public void Dispose()
    {
        Normed.Dispose();
        Attended.Dispose();
        GateUp.Dispose();
        FeedForward.Dispose();
    }
}
