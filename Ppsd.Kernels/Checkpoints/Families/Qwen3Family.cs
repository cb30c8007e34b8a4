using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>Qwen 3 (dense): a LLaMA with norms of queries and keys and a head size of its own.</summary>
internal sealed class Qwen3Family : ModelFamily
{
    public override string Architecture => "Qwen3ForCausalLM";

    public override string ModelType => "qwen3";

    public override int DefaultMaxPositions => 32_768;

    public override int? DefaultHeadSize => 128;

    public override int DefaultKvHeadCount(int headCount) => 32;

    public override LayerTraits ReadTraits(JsonFields config)
    {
        var hasBias = config.FindBoolean("attention_bias") ?? false;
        return new LayerTraits
        {
            HasHeadNorms = true,
            HasQueryKeyValueBias = hasBias,
            HasOutputBias = hasBias,
            SlidingWindow = Qwen2Family.ReadWindow(config),
        };
    }
}
