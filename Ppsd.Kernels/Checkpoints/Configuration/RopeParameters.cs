using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>The rotary embedding of a model.</summary>
/// <param name="Kind">How the frequencies are derived.</param>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Factor">How much longer the context is than the original one; 1 for <see cref="RopeKind.Default"/>.</param>
/// <param name="LowFrequencyFactor">
/// <see cref="RopeKind.Llama3"/>: wavelengths above <c>OriginalMaxPositions / LowFrequencyFactor</c> are scaled in
/// full.
/// </param>
/// <param name="HighFrequencyFactor">
/// <see cref="RopeKind.Llama3"/>: wavelengths below <c>OriginalMaxPositions / HighFrequencyFactor</c> are not scaled.
/// </param>
/// <param name="OriginalMaxPositions">
/// The context, in tokens, the model was first trained with; 0 for <see cref="RopeKind.Default"/> and
/// <see cref="RopeKind.Linear"/>.
/// </param>
public sealed record RopeParameters(
    RopeKind Kind,
    double Theta,
    double Factor = 1,
    double LowFrequencyFactor = 1,
    double HighFrequencyFactor = 1,
    int OriginalMaxPositions = 0
)
{
    /// <summary><see cref="RopeKind.Yarn"/>: frequencies that turn more often within the original context are kept.</summary>
    public double FastTurns { get; init; } = 32;

    /// <summary><see cref="RopeKind.Yarn"/>: frequencies that turn less often within it are divided in full.</summary>
    public double SlowTurns { get; init; } = 1;

    /// <summary><see cref="RopeKind.Yarn"/>: whether the blend's ends are rounded outwards to whole pairs.</summary>
    public bool RoundsBlend { get; init; } = true;

    /// <summary>Factor of cosines and sines.</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary><see cref="RopeKind.LongRope"/>: divisors of the frequencies within the original context.</summary>
    public IReadOnlyList<double> ShortFactors { get; init; } = [];

    /// <summary><see cref="RopeKind.LongRope"/>: divisors of the frequencies beyond it.</summary>
    public IReadOnlyList<double> LongFactors { get; init; } = [];

    private const double DefaultTheta = 10_000;

    /// <summary>
    /// Reads both styles: transformers 5 keeps all in <c>rope_parameters</c>, transformers 4 the base in
    /// <c>rope_theta</c> and the rest in <c>rope_scaling</c>, whose kind was first called <c>type</c>.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// The kind is not one of ours, or a number is missing or impossible.
    /// </exception>
    internal static RopeParameters Read(JsonFields config)
    {
        var rope = config.FindObject("rope_parameters") ?? config.FindObject("rope_scaling");
        RequireWholeHeads(config);
        var outerTheta = config.FindPositiveDouble("rope_theta") ?? DefaultTheta;
        if (rope is null)
        {
            return new(RopeKind.Default, outerTheta);
        }

        RequireWholeHeads(rope);
        var theta = rope.FindPositiveDouble("rope_theta") ?? outerTheta;
        var field = rope.Find("rope_type") is null && rope.Find("type") is not null ? "type" : "rope_type";
        return rope.FindString(field) switch
        {
            null or "default" => new(RopeKind.Default, theta),
            "linear" => new(RopeKind.Linear, theta, rope.RequirePositiveDouble("factor")),
            "llama3" => ReadLlama3(rope, theta),
            "yarn" => ReadYarn(config, rope, theta),
            "dynamic" => ReadDynamic(config, rope, theta),
            "longrope" or "su" => ReadLongRope(config, rope, theta),
            _ => throw rope.Refuse(field, "default, linear, llama3, yarn, dynamic or longrope"),
        };
    }

    private static RopeParameters ReadYarn(JsonFields config, JsonFields rope, double theta)
    {
        var original = OriginalPositions(config, rope);
        var factor = rope.FindPositiveDouble("factor") ?? ContextFactor(config, rope, original);
        var fast = rope.FindPositiveDouble("beta_fast") ?? 32;
        var slow = rope.FindDouble(
            "beta_slow",
            number => number > 0 && number < fast,
            $"a number below beta_fast ({fast})"
        );
        return new(RopeKind.Yarn, theta, factor, OriginalMaxPositions: original)
        {
            FastTurns = fast,
            SlowTurns = slow ?? 1,
            RoundsBlend = rope.FindBoolean("truncate") ?? true,
            AttentionFactor = rope.FindPositiveDouble("attention_factor") ?? YarnAttentionFactor(rope, factor),
        };
    }

    // Zero counts as not given, as in transformers.
    private static double YarnAttentionFactor(JsonFields rope, double factor)
    {
        var scale = rope.FindDouble("mscale", number => number >= 0, "a number from 0") ?? 0;
        var scaleOfAll = rope.FindDouble("mscale_all_dim", number => number >= 0, "a number from 0") ?? 0;
        return scale > 0 && scaleOfAll > 0 ? Temperature(scale) / Temperature(scaleOfAll) : Temperature(1);

        double Temperature(double by) => factor <= 1 ? 1 : (0.1 * by * Math.Log(factor)) + 1;
    }

    private static RopeParameters ReadDynamic(JsonFields config, JsonFields rope, double theta) =>
        new(
            RopeKind.Dynamic,
            theta,
            rope.RequirePositiveDouble("factor"),
            OriginalMaxPositions: OriginalPositions(config, rope)
        );

    private static RopeParameters ReadLongRope(JsonFields config, JsonFields rope, double theta)
    {
        var original = OriginalPositions(config, rope);
        var factor = FindOriginal(config, rope) is null
            ? rope.RequirePositiveDouble("factor")
            : ContextFactor(config, rope, original);
        var headSize =
            config.FindInt32("head_dim", 1)
            ?? config.RequireInt32("hidden_size", 1) / config.RequireInt32("num_attention_heads", 1);
        return new(RopeKind.LongRope, theta, factor, OriginalMaxPositions: original)
        {
            ShortFactors = Divisors("short_factor"),
            LongFactors = Divisors("long_factor"),
            AttentionFactor =
                rope.FindPositiveDouble("attention_factor")
                ?? (factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original)))),
        };

        double[] Divisors(string name)
        {
            var divisors = rope.FindPositiveDoubles(name);
            return divisors?.Length == headSize / 2
                ? divisors
                : throw rope.Refuse(name, $"{headSize / 2} numbers above 0, one for each pair of a head");
        }
    }

    private static int? FindOriginal(JsonFields config, JsonFields rope)
    {
        const string Name = "original_max_position_embeddings";
        return rope.FindInt32(Name, 1) ?? config.FindInt32(Name, 1);
    }

    private static int OriginalPositions(JsonFields config, JsonFields rope) =>
        FindOriginal(config, rope) ?? config.RequireInt32("max_position_embeddings", 1);

    private static double ContextFactor(JsonFields config, JsonFields rope, int original) =>
        FindOriginal(config, rope) is null
            ? rope.RequirePositiveDouble("factor")
            : (double)config.RequireInt32("max_position_embeddings", 1) / original;

    private static RopeParameters ReadLlama3(JsonFields rope, double theta)
    {
        var low = rope.RequirePositiveDouble("low_freq_factor");
        return new(
            RopeKind.Llama3,
            theta,
            rope.RequirePositiveDouble("factor"),
            low,
            // The blend divides by high - low.
            rope.FindDouble("high_freq_factor", high => high > low, $"a number above low_freq_factor ({low})")
                ?? throw rope.Refuse("high_freq_factor", $"a number above low_freq_factor ({low})"),
            rope.RequireInt32("original_max_position_embeddings", 1)
        );
    }

    private static void RequireWholeHeads(JsonFields fields) =>
        fields.FindDouble(
            "partial_rotary_factor",
            factor => factor == 1,
            "1 or no such field (heads are rotated as a whole)"
        );
}
