using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>The rotary embedding of a model.</summary>
/// <param name="Kind">How the frequencies are derived.</param>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Factor">Divisor of <see cref="RopeKind.Linear"/> and <see cref="RopeKind.Llama3"/>; else 1.</param>
/// <param name="LowFrequencyFactor">
/// <see cref="RopeKind.Llama3"/>: wavelengths above <c>OriginalMaxPositions / LowFrequencyFactor</c> are scaled in
/// full.
/// </param>
/// <param name="HighFrequencyFactor">
/// <see cref="RopeKind.Llama3"/>: wavelengths below <c>OriginalMaxPositions / HighFrequencyFactor</c> are not scaled.
/// </param>
/// <param name="OriginalMaxPositions">
/// <see cref="RopeKind.Llama3"/>: the context, in tokens, the model was first trained with; else 0.
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
            _ => throw rope.Refuse(field, "default, linear or llama3"),
        };
    }

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
