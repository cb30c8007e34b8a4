using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>
/// LLaMA's block with biases: hidden += down(silu(gate(n) + bg) * (up(n) + bu)) + bd, n the normed hidden state. Gate and
/// up are one matrix, and their biases one vector.
/// </summary>
internal sealed class BiasedFeedForward : IFeedForward
{
    private readonly Backend _backend;
    private readonly WeightMatrix _gateUp;
    private readonly WeightVector _gateUpBias;
    private readonly WeightMatrix _down;
    private readonly WeightVector _downBias;

    private BiasedFeedForward(
        Backend backend,
        WeightMatrix gateUp,
        WeightVector gateUpBias,
        WeightMatrix down,
        WeightVector downBias
    )
    {
        _backend = backend;
        _gateUp = gateUp;
        _gateUpBias = gateUpBias;
        _down = down;
        _downBias = downBias;
    }

    public long WeightBytes => _gateUp.ByteCount + _down.ByteCount;

    /// <summary>Loads a layer's block.</summary>
    /// <exception cref="Checkpoints.Files.CheckpointException">Something is missing or has another shape.</exception>
    public static BiasedFeedForward Load(
        Backend backend,
        WeightSource source,
        LlamaLayerTensorNames names,
        in LayerProjections projections,
        ModelConfig config
    )
    {
        var (inner, hidden) = (config.IntermediateSize, config.HiddenSize);
        return new BiasedFeedForward(
            backend,
            backend.LoadMatrix(projections.Gate, projections.Up),
            backend.LoadVector(
                new StackedVector(
                    source.Require(LlamaLayerTensorNames.BiasOf(names.Gate), inner),
                    source.Require(LlamaLayerTensorNames.BiasOf(names.Up), inner)
                )
            ),
            backend.LoadMatrix(source.Require(names.Down, hidden, inner)),
            backend.LoadVector(source.Require(LlamaLayerTensorNames.BiasOf(names.Down), hidden))
        );
    }

    public void Forward(Activations hidden, StageScratch scratch, int rows, Norm? next)
    {
        _backend.MatMul(scratch.Normed, _gateUp, scratch.GateUp, rows);
        _backend.AddBias(scratch.GateUp, _gateUpBias, rows);
        _backend.SwiGlu(scratch.GateUp, scratch.FeedForward, rows);
        _backend.MatMulAddBiased(scratch.FeedForward, _down, _downBias, hidden, rows, next, scratch.Normed);
    }

    public void Dispose()
    {
        _gateUp.Dispose();
        _gateUpBias.Dispose();
        _down.Dispose();
        _downBias.Dispose();
    }
}
