using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>
/// What an attention block of a family has beyond a plain LLaMA's: biases of its products, norms of its heads. Empty for a
/// LLaMA. Owns its weights.
/// </summary>
internal sealed class AttentionAdditions : IDisposable
{
    private readonly Backend _backend;
    private readonly AttentionShape _shape;
    private readonly WeightVector? _queryKeyValueBias;
    private readonly Norm? _queryNorm;
    private readonly Norm? _keyNorm;

    private AttentionAdditions(
        Backend backend,
        AttentionShape shape,
        WeightVector? queryKeyValueBias,
        WeightVector? outputBias,
        Norm? queryNorm,
        Norm? keyNorm
    )
    {
        _backend = backend;
        _shape = shape;
        _queryKeyValueBias = queryKeyValueBias;
        OutputBias = outputBias;
        _queryNorm = queryNorm;
        _keyNorm = keyNorm;
    }

    /// <summary>Bias of the output projection; null without one.</summary>
    public WeightVector? OutputBias { get; }

    /// <summary>Loads what the traits name.</summary>
    /// <exception cref="Checkpoints.Files.CheckpointException">Something is missing or has another shape.</exception>
    public static AttentionAdditions Load(
        Backend backend,
        WeightSource source,
        LlamaLayerTensorNames names,
        ModelConfig config,
        float epsilon
    )
    {
        var shape = AttentionShape.Of(config);
        var traits = config.Layers;
        return new AttentionAdditions(
            backend,
            shape,
            traits.HasQueryKeyValueBias
                ? backend.LoadVector(
                    new StackedVector(
                        Arranged(LlamaLayerTensorNames.BiasOf(names.Query), shape.QueryWidth),
                        Arranged(LlamaLayerTensorNames.BiasOf(names.Key), shape.KvWidth),
                        source.Require(LlamaLayerTensorNames.BiasOf(names.Value), shape.KvWidth)
                    )
                )
                : null,
            traits.HasOutputBias
                ? backend.LoadVector(source.Require(LlamaLayerTensorNames.BiasOf(names.Output), config.HiddenSize))
                : null,
            HeadNorm(names.QueryNorm),
            HeadNorm(names.KeyNorm)
        );

        Norm? HeadNorm(string name) =>
            traits.HasHeadNorms ? new Norm(backend.LoadVector(Arranged(name, config.HeadSize)), epsilon) : null;

        Weight Arranged(string name, int length) => RotatedPairs.Arrange(source.Require(name, length), config);
    }

    /// <summary>Adds the biases to q/k/v, then norms its heads.</summary>
    public void Apply(Activations queryKeyValue, int rows)
    {
        if (_queryKeyValueBias is not null)
        {
            _backend.AddBias(queryKeyValue, _queryKeyValueBias, rows);
        }

        if (_queryNorm is not null && _keyNorm is not null)
        {
            _backend.NormHeads(queryKeyValue, _shape, _queryNorm, _keyNorm, rows);
        }
    }

    public void Dispose()
    {
        _queryKeyValueBias?.Dispose();
        OutputBias?.Dispose();
        _queryNorm?.Dispose();
        _keyNorm?.Dispose();
    }
}
