using System.Security.Cryptography;
using System.Text;
using Ppsd.Host.Models;

namespace Ppsd.Host.Api.Requests;

/// <summary>The model as clients see it.</summary>
/// <param name="Name">What clients call it.</param>
/// <param name="Assets">Its files.</param>
internal sealed record ServedModel(string Name, ModelAssets Assets)
{
    private Fingerprinted? _fingerprinted;

    /// <summary>Longest text that the pipeline holds now, in tokens; null, or giving null, where it is not known.</summary>
    public Func<int?>? PipelineLimit { get; init; }

    /// <summary>How the pipeline computes, in words; null, or giving null, where it is not known.</summary>
    public Func<string?>? PipelineArithmetic { get; init; }

    /// <summary>Positions of a text, prompt included: the model's context, or less where the pipeline's KV cache is smaller.</summary>
    public int Context => Math.Min(Assets.Config.MaxPositions, PipelineLimit?.Invoke() ?? int.MaxValue);

    /// <summary>What limits a text, for messages.</summary>
    public string ContextInWords =>
        Context is var context && context < Assets.Config.MaxPositions
            ? $"the {context} tokens that the pipeline's KV cache holds for one text"
            : $"the model's context of {context} tokens";

    /// <summary>Most characters of a token's text.</summary>
    public int LongestPiece { get; } =
        Enumerable.Range(0, Assets.Tokenizer.VocabSize).Max(id => Math.Max(64, Assets.Tokenizer.PieceBytes(id).Length));

    /// <summary>
    /// Changes whenever the same request may give another text: with the weights, with how the pipeline's stages compute them, and
    /// with this program's version.
    /// </summary>
    public string SystemFingerprint
    {
        get
        {
            var arithmetic = PipelineArithmetic?.Invoke() ?? "";
            if (_fingerprinted is not { } known || known.Arithmetic != arithmetic)
            {
                var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(arithmetic)));
                known = new(arithmetic, $"ppsd-{ProgramVersion.Text}-{Assets.Fingerprint[..12]}-{hash[..4]}");
                _fingerprinted = known;
            }

            return known.Fingerprint;
        }
    }

    /// <summary>Refuses any other name than this model's; no name means this one.</summary>
    public string Require(string? name) =>
        name is null || name == Name
            ? Name
            : throw ApiException.NotFound(
                $"model: expected '{Name}', the model served here, found '{(name.Length <= 64 ? name : name[..61] + "...")}'",
                "model_not_found",
                "model"
            );

    /// <summary>A fingerprint and what it is of: each chunk of a stream carries it, and a pipeline seldom changes.</summary>
    private sealed record Fingerprinted(string Arithmetic, string Fingerprint);
}
