using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>
/// The sampling settings a model's makers recommend, from <c>generation_config.json</c>. The file is optional, and so
/// is each field: what is absent here is off, where transformers would fill in values of its own. Immutable.
/// </summary>
public sealed record GenerationConfig
{
    /// <summary>Largest temperature and penalty, as everywhere.</summary>
    private const int MaxDivisor = 100;

    /// <summary>Whether the makers recommend sampling; else the likeliest token is taken.</summary>
    public bool DoSample { get; init; }

    /// <summary>Divisor of the logits when sampling; null means 1.</summary>
    public double? Temperature { get; init; }

    /// <summary>Number of likeliest tokens to keep (top-k); null or 0 keeps all.</summary>
    public int? TopK { get; init; }

    /// <summary>Probability mass of likeliest tokens to keep, 0 to 1; null keeps all.</summary>
    public double? TopP { get; init; }

    /// <summary>Least probability to keep, as a share of the likeliest token's, 0 to 1; null keeps all.</summary>
    public double? MinP { get; init; }

    /// <summary>
    /// Divisor of the positive logits, and factor of the negative ones, of tokens seen; null means 1.
    /// </summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Most tokens to generate; null means no recommendation.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>The ids that end a text; empty means those of <see cref="ModelConfig"/>.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>The temperature to use when the user names none: 0 unless the makers recommend sampling.</summary>
    public double DefaultTemperature => DoSample ? Temperature ?? 1 : 0;

    /// <summary>The ids that end a text: these, or the model's when there are none.</summary>
    public IReadOnlyList<int> EosTokenIdsOr(ModelConfig model) =>
        EosTokenIds.Count > 0 ? EosTokenIds : model.EosTokenIds;

    /// <summary>
    /// Reads <c>generation_config.json</c> of a model folder; all fields are absent when there is no such file.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// The file is not a JSON object, or a field holds an impossible value.
    /// </exception>
    public static GenerationConfig Read(string folder)
    {
        var path = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(path))
        {
            return new();
        }

        var config = JsonFields.ReadFile(path);
        return new()
        {
            DoSample = config.FindBoolean("do_sample") ?? false,
            Temperature = config.FindDouble(
                "temperature",
                number => number is >= 0 and <= MaxDivisor,
                $"a number from 0 to {MaxDivisor}"
            ),
            TopK = config.FindInt32("top_k", 0),
            TopP = config.FindDouble("top_p", number => (float)number is > 0 and <= 1, "a number above 0, at most 1"),
            MinP = config.FindDouble("min_p", number => number is >= 0 and <= 1, "a number from 0 to 1"),
            RepetitionPenalty = config.FindDouble(
                "repetition_penalty",
                number => (float)number > 0 && number <= MaxDivisor,
                $"a number above 0, at most {MaxDivisor}"
            ),
            MaxNewTokens = config.FindInt32("max_new_tokens", 1),
            EosTokenIds = config.FindInt32List("eos_token_id", 0) ?? [],
        };
    }
}
