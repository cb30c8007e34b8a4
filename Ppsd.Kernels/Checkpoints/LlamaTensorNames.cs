using System.Globalization;

namespace Ppsd.Kernels.Checkpoints;

/// <summary>The names of the tensors of a LLaMA checkpoint, as transformers writes them.</summary>
public static class LlamaTensorNames
{
    /// <summary>[vocab, hidden] token embedding.</summary>
    public const string Embedding = "model.embed_tokens.weight";

    /// <summary>[hidden] weight of the RMS norm before the LM head.</summary>
    public const string FinalNorm = "model.norm.weight";

    /// <summary>
    /// [vocab, hidden] LM head: a tensor of its own, or the embedding when the two are tied.
    /// </summary>
    public static string LmHead(bool tieWordEmbeddings) => tieWordEmbeddings ? Embedding : "lm_head.weight";

    /// <summary>The tensors of one layer.</summary>
    /// <param name="layerIndex">Counted from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative.</exception>
    public static LlamaLayerTensorNames Layer(int layerIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layerIndex);
        return new(string.Create(CultureInfo.InvariantCulture, $"model.layers.{layerIndex}."));
    }
}
