using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>
/// Granite 3, dense: a LLaMA whose embeddings, attention scores, residual additions and logits are multiplied by numbers of
/// the configuration.
/// </summary>
internal sealed class GraniteFamily : ModelFamily
{
    public override string Architecture => "GraniteForCausalLM";

    public override string ModelType => "granite";

    public override int DefaultMaxPositions => 2048;

    public override LayerTraits ReadTraits(JsonFields config)
    {
        var attention = config.FindBoolean("attention_bias") ?? false;
        return new LayerTraits
        {
            HasQueryKeyValueBias = attention,
            HasOutputBias = attention,
            HasFeedForwardBias = config.FindBoolean("mlp_bias") ?? false,
            AttentionMultiplier = config.FindPositiveSingle("attention_multiplier") ?? 1,
            EmbeddingMultiplier = config.FindPositiveSingle("embedding_multiplier") ?? 1,
            ResidualMultiplier = config.FindPositiveSingle("residual_multiplier") ?? 1,
            LogitsDivisor = config.FindPositiveSingle("logits_scaling") ?? 1,
        };
    }
}
