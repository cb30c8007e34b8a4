using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>SmolLM 3: a LLaMA in which some layers do not rotate queries and keys.</summary>
internal sealed class SmolLm3Family : ModelFamily
{
    private const int DefaultInterval = 4;

    public override string Architecture => "SmolLM3ForCausalLM";

    public override string ModelType => "smollm3";

    public override int DefaultMaxPositions => 32_768;

    public override double DefaultTheta => 2_000_000;

    public override bool TiesByDefault => true;

    public override int DefaultKvHeadCount(int headCount) => 4;

    public override LayerTraits ReadTraits(JsonFields config)
    {
        var attention = config.FindBoolean("attention_bias") ?? false;
        return new LayerTraits
        {
            HasQueryKeyValueBias = attention,
            HasOutputBias = attention,
            HasFeedForwardBias = config.FindBoolean("mlp_bias") ?? false,
            SlidingWindow = ReadWindow(config),
            UnrotatedLayers = ReadUnrotatedLayers(config),
        };
    }

    // Without layer_types a window would be one of the layers that do not rotate, and of no others.
    private static int? ReadWindow(JsonFields config)
    {
        var window = config.FindBoolean("use_sliding_window") is true ? config.FindInt32("sliding_window", 1) : null;
        return window is null ? null
            : config.Has("layer_types") ? RequireOneWindow(config, window)
            : throw config.Refuse("use_sliding_window", "false (a window for all layers or for none)");
    }

    private static int[] ReadUnrotatedLayers(JsonFields config)
    {
        var layers = config.RequireInt32("num_hidden_layers", 1);
        var interval = config.FindInt32("no_rope_layer_interval", 1) ?? DefaultInterval;
        var rotates = config.FindInt32List("no_rope_layers", 0);
        if (rotates is not null && (rotates.Length < layers || rotates.Any(flag => flag > 1)))
        {
            throw config.Refuse(
                "no_rope_layers",
                $"at least {layers} flags, 1 for a layer that rotates and 0 for others"
            );
        }

        return
        [
            .. Enumerable
                .Range(0, layers)
                .Where(layer => rotates is null ? (layer + 1) % interval == 0 : rotates[layer] == 0),
        ];
    }
}
