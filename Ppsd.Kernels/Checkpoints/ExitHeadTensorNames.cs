using System.Globalization;

namespace Ppsd.Kernels.Checkpoints;

/// <summary>The names of the tensors of an exit-head folder. docs/exit-heads.md has the formulas.</summary>
public static class ExitHeadTensorNames
{
    /// <summary>[hidden] weight of the RMS norm before the shared LM head; every kind of head has it.</summary>
    public const string Norm = "norm.weight";

    /// <summary>[hidden] weight of the RMS norm before the block of an mlp head.</summary>
    public const string MlpNorm = "mlp.norm.weight";

    /// <summary>[intermediate, hidden] gate projection of an mlp head.</summary>
    public const string MlpGate = "mlp.gate_proj.weight";

    /// <summary>[intermediate, hidden] up projection of an mlp head.</summary>
    public const string MlpUp = "mlp.up_proj.weight";

    /// <summary>[hidden, intermediate] down projection of an mlp head.</summary>
    public const string MlpDown = "mlp.down_proj.weight";

    /// <summary>[hidden, 2 * hidden] projection of a token's embedding and its parent's features, of a chain head.</summary>
    public const string ChainInput = "chain.input_proj.weight";

    /// <summary>The tensors of a chain head's second layer, shaped as the model's own layers.</summary>
    public static LlamaLayerTensorNames ChainLayer { get; } = new("chain.layer.");

    /// <summary>The tensors of one layer of a transformer head, shaped as the model's own layers.</summary>
    /// <param name="layerIndex">Counted from 0 within the head.</param>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative.</exception>
    public static LlamaLayerTensorNames Layer(int layerIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layerIndex);
        return new(string.Create(CultureInfo.InvariantCulture, $"layers.{layerIndex}."));
    }
}
