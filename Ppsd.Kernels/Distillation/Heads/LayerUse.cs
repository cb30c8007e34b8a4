using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>One use of a trained layer in a pass: what its gradient will read, and the gradients that flow through it.</summary>
internal sealed class LayerUse : IDisposable
{
    /// <param name="device">Where.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="maxRows">Most rows of a pass.</param>
    /// <param name="isOneOfSeveral">True when other uses add to this one's gradients of keys and values before its own turn.</param>
    public LayerUse(TrainingDevice device, ModelConfig config, int maxRows, bool isOneOfSeveral = false)
    {
        var hidden = config.HiddenSize;
        Kept = new LayerScratch(device, config, maxRows);
        Middle = device.Allocate(maxRows, hidden);
        MiddleNormed = device.Allocate(maxRows, hidden);
        MiddleInverse = device.Allocate(maxRows, 1);
        Output = device.Allocate(maxRows, hidden);
        Gradient = device.Allocate(maxRows, hidden);
        OwnQueryKeyValueGradient = isOneOfSeveral
            ? device.Allocate(
                maxRows,
                new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadSize).QkvWidth
            )
            : null;
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

    /// <summary>
    /// Gradient of queries, keys and values; null for a use that has them to itself, which needs them within its own backward
    /// pass only.
    /// </summary>
    public Activations? OwnQueryKeyValueGradient { get; }

    public void Dispose()
    {
        Kept.Dispose();
        Middle.Dispose();
        MiddleNormed.Dispose();
        MiddleInverse.Dispose();
        Output.Dispose();
        Gradient.Dispose();
        OwnQueryKeyValueGradient?.Dispose();
    }
}
