using Ppsd.Host.Generation;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Api.Requests;

/// <summary>A request for one text or several, whichever route it came by.</summary>
internal record TextRequest
{
    /// <summary>Model the client named.</summary>
    public required string Model { get; init; }

    /// <summary>The prompts, at least one.</summary>
    public required IReadOnlyList<RequestedPrompt> Prompts { get; init; }

    /// <summary>Texts for each prompt, from 1; they differ in their noise.</summary>
    public int TextsPerPrompt { get; init; } = 1;

    /// <summary>How to generate the first text of a prompt; the most tokens are the prompt's.</summary>
    public required GenerationSettings Settings { get; init; }

    /// <summary>True to send the text as it grows.</summary>
    public required bool Streams { get; init; }

    /// <summary>True to end the stream with the usage.</summary>
    public required bool IncludesUsage { get; init; }

    /// <summary>True to send the usage so far with each piece of a stream.</summary>
    public bool ReportsUsage { get; init; }

    /// <summary>True to answer with the request's own figures.</summary>
    public required bool IncludesMetrics { get; init; }

    /// <summary>Texts that are asked for.</summary>
    public int TextCount => Prompts.Count * TextsPerPrompt;

    /// <summary>Tokens of all prompts, each counted once.</summary>
    public int PromptTokens => Prompts.Sum(prompt => prompt.Tokens.Length);

    /// <summary>The seed of the first text, for a client that wants it again; null where nothing is drawn.</summary>
    public ulong? Seed => SamplingParameters.IsGreedyAt(Settings.Sampling.Temperature) ? null : Settings.Sampling.Seed;

    /// <summary>The prompt of a text.</summary>
    /// <param name="index">Of the text: those of the first prompt come first.</param>
    public RequestedPrompt PromptOf(int index) => Prompts[index / TextsPerPrompt];

    /// <summary>How to generate a text: the one at place j of its prompt's is drawn with the seed plus j.</summary>
    /// <param name="index">Of the text.</param>
    public GenerationSettings SettingsOf(int index) =>
        Settings with
        {
            MaxTokens = PromptOf(index).MaxTokens,
            Sampling = Settings.Sampling with
            {
                Seed = unchecked(Settings.Sampling.Seed + (ulong)(index % TextsPerPrompt)),
            },
        };
}

/// <summary>A prompt.</summary>
/// <param name="Tokens">Its tokens.</param>
/// <param name="MaxTokens">Most tokens to generate.</param>
/// <param name="Echo">What the answer's text begins with; empty for nothing.</param>
internal sealed record RequestedPrompt(int[] Tokens, int MaxTokens, string Echo = "");
