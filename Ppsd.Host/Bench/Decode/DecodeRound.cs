using Ppsd.Actors.Messages;

namespace Ppsd.Host.Bench.Decode;

/// <summary>All prompts of a benchmark decoded once in one way.</summary>
/// <param name="Sessions">Figures of each prompt's session.</param>
/// <param name="Tokens">Tokens of each.</param>
/// <param name="Stages">Each stage's work during the round.</param>
/// <param name="ElapsedMs">How long it took.</param>
internal sealed record DecodeRound(
    IReadOnlyList<SessionStats> Sessions,
    IReadOnlyList<IReadOnlyList<int>> Tokens,
    IReadOnlyList<StageWork> Stages,
    double ElapsedMs
)
{
    /// <summary>Tokens generated.</summary>
    public int GeneratedTokens => Sessions.Sum(session => session.GeneratedTokens);

    /// <summary>Tokens per second after each first token.</summary>
    public double TokensPerSecond =>
        Sessions.Sum(session => session.GeneratedTokens - 1) * 1000.0 / Sessions.Sum(session => session.DecodeMs);

    /// <summary>Tokens per second of whole texts, from their prompts on.</summary>
    public double TextTokensPerSecond => GeneratedTokens * 1000.0 / ElapsedMs;

    /// <summary>Milliseconds per token after each first token.</summary>
    public double MsPerToken => 1000.0 / TokensPerSecond;
}
