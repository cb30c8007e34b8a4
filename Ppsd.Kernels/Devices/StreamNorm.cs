using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices;

/// <summary>
/// Loads norms of the residual stream. The stream is kept divided by the model's residual multiplier; a norm divides that
/// away, except in the number that it adds to the mean of squares.
/// </summary>
internal static class StreamNorm
{
    /// <summary>Loads a norm at the entry of a block.</summary>
    /// <exception cref="Checkpoints.Files.CheckpointException">It is missing or has another shape.</exception>
    public static Norm Load(Backend backend, WeightSource source, string name, ModelConfig config, float epsilon) =>
        new(backend.LoadVector(source.Require(name, config.HiddenSize)), EpsilonOf(epsilon, config));

    /// <summary>Loads a norm before an LM head, the model's own or that of an exit head; logits are divided here too.</summary>
    /// <exception cref="Checkpoints.Files.CheckpointException">It is missing or has another shape.</exception>
    public static Norm LoadLast(Backend backend, WeightSource source, string name, ModelConfig config, float epsilon) =>
        new(backend.LoadVector(LastWeight(source, name, config)), EpsilonOf(epsilon, config));

    /// <summary>The scale of a norm before an LM head, by which logits are divided.</summary>
    /// <exception cref="Checkpoints.Files.CheckpointException">It is missing or has another shape.</exception>
    public static Weight LastWeight(WeightSource source, string name, ModelConfig config)
    {
        var weight = source.Require(name, config.HiddenSize);
        var divisor = config.Layers.LogitsDivisor;
        return divisor == 1 ? weight : new DividedVector(weight, divisor);
    }

    /// <summary>The epsilon of a norm of the stream: a configuration's, in the stream's units.</summary>
    public static float EpsilonOf(float epsilon, ModelConfig config)
    {
        var unit = config.Layers.ResidualMultiplier;
        return (float)(epsilon / (unit * unit));
    }
}
