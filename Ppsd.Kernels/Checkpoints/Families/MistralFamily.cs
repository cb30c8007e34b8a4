using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>Mistral: a LLaMA whose tokens may attend to the last so many tokens only.</summary>
internal sealed class MistralFamily : ModelFamily
{
    // Where the field is absent, and not null, transformers means this window.
    private const int DefaultWindow = 4096;

    public override string Architecture => "MistralForCausalLM";

    public override string ModelType => "mistral";

    public override int DefaultMaxPositions => 131_072;

    public override int DefaultKvHeadCount(int headCount) => 8;

    public override LayerTraits ReadTraits(JsonFields config)
    {
        var window = config.Has("sliding_window") ? config.FindInt32("sliding_window", 1) : DefaultWindow;
        return new LayerTraits { SlidingWindow = RequireOneWindow(config, window) };
    }
}
