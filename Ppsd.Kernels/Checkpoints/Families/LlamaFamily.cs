using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>LLaMA 1 to 3, Vicuna, TinyLlama, SmolLM and their kin, with or without biases.</summary>
internal sealed class LlamaFamily : ModelFamily
{
    public override string Architecture => "LlamaForCausalLM";

    public override string ModelType => "llama";

    public override int DefaultMaxPositions => 2048;

    public override LayerTraits ReadTraits(JsonFields config)
    {
        var attention = config.FindBoolean("attention_bias") ?? false;
        return new LayerTraits
        {
            HasQueryKeyValueBias = attention,
            HasOutputBias = attention,
            HasFeedForwardBias = config.FindBoolean("mlp_bias") ?? false,
        };
    }
}
