namespace Ppsd.Host.Api.Responses;

/// <summary>Tokens of a request.</summary>
/// <param name="PromptTokens">Of the prompts, each counted once.</param>
/// <param name="CompletionTokens">Generated, end tokens included.</param>
internal sealed record Usage(int PromptTokens, int CompletionTokens)
{
    /// <summary>Both.</summary>
    public int TotalTokens => PromptTokens + CompletionTokens;

    /// <summary>Of the prompt's tokens.</summary>
    public PromptTokensDetails PromptTokensDetails { get; } = new();

    /// <summary>Of the generated tokens.</summary>
    public CompletionTokensDetails CompletionTokensDetails { get; } = new();
}

/// <summary>Of a prompt's tokens.</summary>
/// <param name="CachedTokens">Tokens whose keys and values an earlier request left behind: none, prompts are not kept.</param>
/// <param name="AudioTokens">None: prompts are text.</param>
internal sealed record PromptTokensDetails(int CachedTokens = 0, int AudioTokens = 0);

/// <summary>Of generated tokens.</summary>
/// <param name="ReasoningTokens">None: what a model thinks aloud is text like any other.</param>
/// <param name="AudioTokens">None: answers are text.</param>
/// <param name="AcceptedPredictionTokens">None: predictions by the client are ignored.</param>
/// <param name="RejectedPredictionTokens">None, for the same reason.</param>
internal sealed record CompletionTokensDetails(
    int ReasoningTokens = 0,
    int AudioTokens = 0,
    int AcceptedPredictionTokens = 0,
    int RejectedPredictionTokens = 0
);
