using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>
/// Reads a <c>config.json</c> of any family. Where a field is absent the value is that of the family's class in
/// transformers; sizes no model shares are required.
/// </summary>
internal static class ModelConfigReader
{
    /// <summary>Reads and checks the file.</summary>
    /// <exception cref="CheckpointException">See <see cref="ModelConfig.Read"/>.</exception>
    public static ModelConfig Read(string path)
    {
        var config = JsonFields.ReadFile(path);
        var family = ModelFamilies.Of(config);
        RefuseUnsupported(config);

        var traits = ReadTraits(config, family);
        var ties = config.FindBoolean("tie_word_embeddings") ?? family.TiesByDefault;
        var hiddenSize = config.RequireInt32("hidden_size", 1);
        var headCount = config.RequireInt32("num_attention_heads", 1);
        var headSize = ReadHeadSize(config, family, hiddenSize, headCount);
        return new()
        {
            Architecture = family.Architecture,
            Layers = traits,
            HiddenSize = hiddenSize,
            IntermediateSize = config.RequireInt32("intermediate_size", 1),
            LayerCount = config.RequireInt32("num_hidden_layers", 1),
            HeadCount = headCount,
            KvHeadCount = ReadKvHeadCount(config, family, headCount),
            HeadSize = headSize,
            VocabSize = config.RequireInt32("vocab_size", 1),
            MaxPositions = config.FindInt32("max_position_embeddings", 1) ?? family.DefaultMaxPositions,
            RmsNormEpsilon = config.FindPositiveSingle("rms_norm_eps") ?? family.DefaultEpsilon,
            TieWordEmbeddings = ties,
            TiesByConfig = ties,
            Rope = RopeParametersReader.Read(config, family, headSize),
            BosTokenId = config.FindInt32("bos_token_id", 0),
            EosTokenIds = config.FindInt32List("eos_token_id", 0) ?? [],
            ElementType = ReadElementType(config),
        };
    }

    /// <summary>
    /// Reads <c>dtype</c>, or <c>torch_dtype</c> as transformers 4 called it; single precision when absent.
    /// </summary>
    /// <exception cref="CheckpointException">It is not a supported type of weights.</exception>
    public static ElementType ReadElementType(JsonFields config)
    {
        const string Expected = "bfloat16, float16 or float32";
        var field = config.Find("dtype") is null && config.Find("torch_dtype") is not null ? "torch_dtype" : "dtype";
        return config.FindString(field, Expected) switch
        {
            "bfloat16" => ElementType.BFloat16,
            "float16" => ElementType.Float16,
            null or "float32" => ElementType.Float32,
            _ => throw config.Refuse(field, Expected),
        };
    }

    private static void RefuseUnsupported(JsonFields config)
    {
        if (config.FindString("hidden_act") is not (null or "silu" or "swish"))
        {
            throw config.Refuse("hidden_act", "silu");
        }

        if (config.Find("quantization_config") is not null)
        {
            throw config.Refuse("quantization_config", "no such field (quantized weights are not supported)");
        }
    }

    private static LayerTraits ReadTraits(JsonFields config, ModelFamily family)
    {
        var type = ModelFamily.TypeOfLayers(config);
        var traits = family.ReadTraits(config);
        return type == ModelFamily.SlidingType && traits.SlidingWindow is null
            ? throw config.Refuse("layer_types", "full_attention for all layers (the model has no sliding window)")
            : traits;
    }

    private static int ReadKvHeadCount(JsonFields config, ModelFamily family, int headCount)
    {
        var kvHeadCount = config.FindInt32("num_key_value_heads", 1) ?? family.DefaultKvHeadCount(headCount);
        return headCount % kvHeadCount == 0
            ? kvHeadCount
            : throw config.Refuse("num_key_value_heads", $"a divisor of num_attention_heads ({headCount})");
    }

    private static int ReadHeadSize(JsonFields config, ModelFamily family, int hiddenSize, int headCount)
    {
        var headSize = config.FindInt32("head_dim", 1) ?? family.DefaultHeadSize;
        if (headSize is null && hiddenSize % headCount != 0)
        {
            throw config.Refuse(
                "hidden_size",
                $"a multiple of num_attention_heads ({headCount}), or head_dim to be set"
            );
        }

        // Rotary embedding turns elements in pairs.
        var size = headSize ?? (hiddenSize / headCount);
        if (size % 2 != 0)
        {
            throw config.Refuse(
                "head_dim",
                "an even number",
                headSize is null ? $"{size} (hidden_size / num_attention_heads)" : $"{size}"
            );
        }

        return (long)size * headCount <= int.MaxValue
            ? size
            : throw config.Refuse("head_dim", $"at most {int.MaxValue / headCount} for {headCount} heads");
    }
}
