using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Teacher;

/// <summary>
/// What a layer computes on its way, [rows, ...] each: shared by all layers that run forward only, by whose gradients it is
/// used again, and a set of its own for each use of a trained layer, whose gradient reads it.
/// </summary>
internal sealed class LayerScratch : IDisposable
{
    public LayerScratch(TrainingDevice device, ModelConfig config, int maxRows)
    {
        var shape = new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadSize);
        Normed = device.Allocate(maxRows, config.HiddenSize);
        Inverse = device.Allocate(maxRows, 1);
        QueryKeyValue = device.Allocate(maxRows, shape.QkvWidth);
        if (config.Layers.HasHeadNorms)
        {
            Projected = device.Allocate(maxRows, shape.QkvWidth);
            HeadInverse = device.Allocate(maxRows, shape.HeadCount + shape.KvHeadCount);
        }
        else
        {
            Projected = QueryKeyValue;
        }

        Attended = device.Allocate(maxRows, shape.QueryWidth);
        LogSums = device.Allocate(maxRows, shape.HeadCount);
        GateUp = device.Allocate(maxRows, 2 * config.IntermediateSize);
        FeedForward = device.Allocate(maxRows, config.IntermediateSize);
    }

    /// <summary>The input after the norm before attention; after that before the feed-forward block where forward only.</summary>
    public Activations Normed { get; }

    /// <summary>That norm's inverse root mean squares, [rows, 1].</summary>
    public Activations Inverse { get; }

    /// <summary>Queries, keys and values before the norms of their heads; without such norms the same buffer.</summary>
    public Activations Projected { get; }

    /// <summary>Inverse root mean squares of the norms of heads; null without such norms.</summary>
    public Activations? HeadInverse { get; }

    /// <summary>Rotated queries and keys, and values.</summary>
    public Activations QueryKeyValue { get; }

    /// <summary>Attention's output before its projection.</summary>
    public Activations Attended { get; }

    /// <summary>Logarithms of the sums of attention's softmax.</summary>
    public Activations LogSums { get; }

    /// <summary>Gate and up projections.</summary>
    public Activations GateUp { get; }

    /// <summary>silu(gate) * up.</summary>
    public Activations FeedForward { get; }

    public void Dispose()
    {
        Normed.Dispose();
        Inverse.Dispose();
        QueryKeyValue.Dispose();
        if (HeadInverse is not null)
        {
            HeadInverse.Dispose();
            Projected.Dispose();
        }

        Attended.Dispose();
        LogSums.Dispose();
        GateUp.Dispose();
        FeedForward.Dispose();
    }
}
