using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>
/// Contents of an exit-head folder's <c>config.json</c>: kind of head, exit layer and model. A head fits only the
/// weights it was trained for, so <see cref="RequireFits"/> comes before its use. Immutable.
/// </summary>
public sealed record ExitHeadConfig
{
    internal const string ModelType = "ppsd_exit_head";

    /// <summary>Path of the file it was read from; names it in refusals.</summary>
    public required string ConfigPath { get; init; }

    /// <summary>The kind of head.</summary>
    public required ExitHeadKind Kind { get; init; }

    /// <summary>Number of the model's layers before the head: 1 takes the first layer's output.</summary>
    public required int ExitLayer { get; init; }

    /// <summary>Layers of a transformer head, and of a chain head before its chain; 0 for other kinds.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Feed-forward width of an mlp head; null means the model's. Null for other kinds.</summary>
    public required int? IntermediateSize { get; init; }

    /// <summary>Epsilon that the head's RMS norms add to the mean of squares.</summary>
    public required float RmsNormEpsilon { get; init; }

    /// <summary>Element type of its weights according to the config.</summary>
    public required ElementType ElementType { get; init; }

    /// <summary>The tokens it drafts; null for all that the model has.</summary>
    public DraftVocabulary? Vocabulary { get; init; }

    /// <summary>The model it was trained for.</summary>
    public required ExitHeadVerifier Verifier { get; init; }

    /// <summary>A norm head that lies in no folder.</summary>
    /// <param name="model">The model it belongs to.</param>
    /// <param name="exitLayer">Number of the model's layers before it.</param>
    public static ExitHeadConfig OfNorm(ModelConfig model, int exitLayer) =>
        new()
        {
            ConfigPath = "",
            Kind = ExitHeadKind.Norm,
            ExitLayer = exitLayer,
            LayerCount = 0,
            IntermediateSize = null,
            RmsNormEpsilon = model.RmsNormEpsilon,
            ElementType = model.ElementType,
            Verifier = new("", model.LayerCount, model.HiddenSize, ""),
        };

    /// <summary>Reads <c>config.json</c> of an exit-head folder.</summary>
    /// <exception cref="CheckpointException">
    /// The file is missing or no JSON object, describes no exit head, or a field is missing, impossible or not
    /// supported; or the list of tokens that it names cannot be used.
    /// </exception>
    public static ExitHeadConfig Read(string folder)
    {
        var config = JsonFields.ReadFile(Path.Combine(folder, "config.json"));
        return config.RequireString("model_type", ModelType) == ModelType
            ? Read(config, folder)
            : throw config.Refuse("model_type", ModelType);
    }

    /// <summary>The same; null where the folder has a model of another kind, which many that are looked through have.</summary>
    /// <exception cref="CheckpointException">As of <see cref="Read(string)"/>.</exception>
    public static ExitHeadConfig? Find(string folder)
    {
        var config = JsonFields.ReadFile(Path.Combine(folder, "config.json"));
        return config.FindString("model_type") == ModelType ? Read(config, folder) : null;
    }

    private static ExitHeadConfig Read(JsonFields config, string folder)
    {
        // A head with an LM head of its own would double the bytes the first stage reads per token.
        if (config.RequireString("lm_head", "shared") != "shared")
        {
            throw config.Refuse("lm_head", "shared");
        }

        var kind = ReadKind(config);
        return new()
        {
            ConfigPath = Path.Combine(folder, "config.json"),
            Kind = kind,
            ExitLayer = config.RequireInt32("exit_layer", 1),
            LayerCount = kind is ExitHeadKind.Transformer or ExitHeadKind.Chain
                ? config.RequireInt32("num_layers", 1)
                : 0,
            IntermediateSize = kind == ExitHeadKind.Mlp ? config.FindInt32("intermediate_size", 1) : null,
            RmsNormEpsilon = config.RequirePositiveSingle("rms_norm_eps"),
            ElementType = ModelConfigReader.ReadElementType(config),
            Vocabulary = ReadVocabulary(config, folder),
            Verifier = ReadVerifier(config.RequireObject("verifier")),
        };
    }

    /// <summary>
    /// Checks that the head belongs to a model. The weights come last, so that a model of another shape is called that.
    /// </summary>
    /// <param name="model">The model's config.</param>
    /// <param name="modelFingerprint">The model's <see cref="WeightsFingerprint"/>.</param>
    /// <exception cref="CheckpointException">
    /// The number of layers, the width, the exit layer (1 to the model's number of layers), the tokens drafted or the weights do
    /// not fit.
    /// </exception>
    public void RequireFits(ModelConfig model, string modelFingerprint)
    {
        RequireEqual("verifier.num_hidden_layers", model.LayerCount, Verifier.LayerCount);
        RequireEqual("verifier.hidden_size", model.HiddenSize, Verifier.HiddenSize);
        if (ExitLayer < 1 || ExitLayer > model.LayerCount)
        {
            throw Mismatch("exit_layer", $"1 to {model.LayerCount}, the model's number of layers", $"{ExitLayer}");
        }

        Vocabulary?.RequireWithin(model.VocabSize);
        if (!Verifier.WeightsSha256.Equals(modelFingerprint, StringComparison.OrdinalIgnoreCase))
        {
            throw Mismatch(
                "verifier.weights_sha256",
                $"{modelFingerprint} as the model's weights have",
                $"{Verifier.WeightsSha256}; the head was trained for other weights"
            );
        }
    }

    private static ExitHeadKind ReadKind(JsonFields config)
    {
        const string Expected = "norm, mlp, transformer or chain";
        return config.RequireString("head_type", Expected) switch
        {
            "norm" => ExitHeadKind.Norm,
            "mlp" => ExitHeadKind.Mlp,
            "transformer" => ExitHeadKind.Transformer,
            "chain" => ExitHeadKind.Chain,
            _ => throw config.Refuse("head_type", Expected),
        };
    }

    private static DraftVocabulary? ReadVocabulary(JsonFields config, string folder)
    {
        const string Field = "draft_vocabulary";
        const string Expected = "the name of a file in the head's folder";
        if (config.FindString(Field, Expected) is not { } name)
        {
            return null;
        }

        // The name comes from the head's author: it must not lead out of the folder.
        return name.Length > 0 && name is not ("." or "..") && name.IndexOfAny(['/', '\\', ':', '\0']) < 0
            ? DraftVocabulary.Read(Path.Combine(folder, name))
            : throw config.Refuse(Field, Expected);
    }

    private static ExitHeadVerifier ReadVerifier(JsonFields verifier)
    {
        var fingerprint = verifier.RequireString("weights_sha256");
        if (!WeightsFingerprint.IsWellFormed(fingerprint))
        {
            throw verifier.Refuse("weights_sha256", "64 lower-case hexadecimal digits");
        }

        return new(
            verifier.FindString("name") ?? "",
            verifier.RequireInt32("num_hidden_layers", 1),
            verifier.RequireInt32("hidden_size", 1),
            fingerprint
        );
    }

    private void RequireEqual(string field, int modelValue, int headValue)
    {
        if (modelValue != headValue)
        {
            throw Mismatch(field, $"{modelValue} as the model has", $"{headValue}");
        }
    }

    private CheckpointException Mismatch(string field, string expected, string found) =>
        CheckpointException.Mismatch(ConfigPath, field, expected, found);
}
