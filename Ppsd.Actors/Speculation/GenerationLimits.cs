using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>Conditions that end a generation.</summary>
/// <param name="MaxTokens">Most tokens to generate.</param>
/// <param name="EndTokens">Tokens that end the text; they are emitted, as the last one.</param>
internal sealed record GenerationLimits(int MaxTokens, IReadOnlyList<TokenId> EndTokens);
