using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>Qwen 2 and 2.5: a LLaMA with biases of queries, keys and values.</summary>
internal sealed class Qwen2Family : ModelFamily
{
    public override string Architecture => "Qwen2ForCausalLM";

    public override string ModelType => "qwen2";

    public override int DefaultMaxPositions => 32_768;

    public override int DefaultKvHeadCount(int headCount) => 32;

    public override LayerTraits ReadTraits(JsonFields config) =>
        new() { HasQueryKeyValueBias = true, SlidingWindow = ReadWindow(config) };

    /// <summary>
    /// The window of a Qwen configuration: none unless <c>use_sliding_window</c>, and then for the layers from
    /// <c>max_window_layers</c> on.
    /// </summary>
    public static int? ReadWindow(JsonFields config)
    {
        const int DefaultWindow = 4096;
        const int DefaultFirstLayer = 28;
        if (config.FindBoolean("use_sliding_window") is not true)
        {
            return null;
        }

        var window = config.Has("sliding_window") ? config.FindInt32("sliding_window", 1) : DefaultWindow;
        var first = config.FindInt32("max_window_layers", 0) ?? DefaultFirstLayer;
        var layers = config.RequireInt32("num_hidden_layers", 1);
        return config.Has("layer_types") ? RequireOneWindow(config, window)
            : first >= layers ? null
            : first == 0 ? window
            : throw config.Refuse("max_window_layers", $"0 or at least {layers} (a window for all layers or for none)");
    }
}
