using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Weights;

namespace Ppsd.Host.Models;

/// <summary>
/// A model of a well-known shape whose weights a keyed generator makes where they are needed; nothing is read from disk.
/// Its exit head shares the LM head with the target and has a norm of the same weights, so it agrees with it wholly when
/// the layers after the exit layer and those of the head add nothing, and the less the more they add. So does step 0 of a
/// chain; its further steps go on from features that mean nothing, and are right by chance only.
/// </summary>
/// <param name="Preset">Name of the shape.</param>
/// <param name="ExitLayer">Layers before the exit head.</param>
/// <param name="Scale">Factor of what the layers after it, and the head's own, add to the residual stream.</param>
/// <param name="Seed">Another seed is another model.</param>
/// <param name="Head">Kind of exit head, one of <see cref="SyntheticPresets.HeadNames"/>.</param>
/// <param name="DraftedTokens">Tokens that it drafts, evenly spread over the vocabulary; 0 for all.</param>
internal sealed record SyntheticModel(
    string Preset,
    int ExitLayer,
    float Scale,
    uint Seed,
    string Head = SyntheticPresets.NormHead,
    int DraftedTokens = 0
)
{
    /// <summary>The shape.</summary>
    [JsonIgnore]
    public ModelConfig Config =>
        SyntheticPresets.Find(Preset)
        ?? throw new UserErrorException(
            $"--synthetic: expected {string.Join(" or ", SyntheticPresets.Names)}, found '{Preset}'"
        );

    /// <summary>The exit head.</summary>
    [JsonIgnore]
    public ExitHeadConfig ExitHead => SyntheticPresets.ExitHead(Config, ExitLayer, Head, DraftedTokens);

    /// <summary>The generator's settings.</summary>
    [JsonIgnore]
    public SyntheticWeights Weights =>
        new()
        {
            Seed = Seed,
            FirstScaledLayer = ExitLayer,
            OutputScale = Scale,
        };

    /// <summary>Equal for equal weights, as a checkpoint's fingerprint is: stages that differ refuse each other.</summary>
    [JsonIgnore]
    public string Fingerprint =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.ASCII.GetBytes(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"synthetic {Preset} {ExitLayer} {Scale:R} {Seed} {Head}"
                    )
                )
            )
        );

    /// <summary>Options that make another process build the same model.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Arguments =>
        [
            "--synthetic",
            Preset,
            "--exit-layer",
            ExitLayer.ToString(CultureInfo.InvariantCulture),
            "--head",
            Head,
            "--synthetic-scale",
            Scale.ToString("R", CultureInfo.InvariantCulture),
            "--synthetic-seed",
            Seed.ToString(CultureInfo.InvariantCulture),
            .. DraftedTokens == 0
                ? (string[])[]
                : ["--draft-vocabulary", DraftedTokens.ToString(CultureInfo.InvariantCulture)],
        ];
}
