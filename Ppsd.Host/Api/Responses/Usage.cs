using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Responses;

/// <summary>Tokens of a request.</summary>
/// <param name="CompletionTokens">Generated, an end token included.</param>
/// <param name="TotalTokens">Both.</param>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens)
{
    /// <summary>The usage of a finished text.</summary>
    public static Usage Of(TextResult result) =>
        new(result.PromptTokenIds.Count, result.TokenIds.Count, result.PromptTokenIds.Count + result.TokenIds.Count);
}
