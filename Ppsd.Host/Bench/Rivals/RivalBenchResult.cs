using Ppsd.Actors.Messages;

namespace Ppsd.Host.Bench.Rivals;

/// <summary>Texts that one decoder wrote in one round.</summary>
/// <param name="Tokens">Generated tokens of each text.</param>
/// <param name="Stats">Figures of each text.</param>
/// <param name="DraftMs">Milliseconds that drafting took in all.</param>
internal sealed record RivalTexts(
    IReadOnlyList<IReadOnlyList<int>> Tokens,
    IReadOnlyList<SessionStats> Stats,
    double DraftMs
)
{
    /// <summary>Milliseconds from each text's first token to its last, in all.</summary>
    public double DecodeMs => Stats.Sum(stats => stats.DecodeMs);

    /// <summary>Tokens per second after each text's first token.</summary>
    public double TokensPerSecond => Stats.Sum(stats => stats.GeneratedTokens - 1) * 1000 / DecodeMs;
}

/// <summary>A round.</summary>
/// <param name="Plain">Decoded plainly.</param>
/// <param name="Rival">With the rival's drafts.</param>
internal sealed record RivalRound(RivalTexts Plain, RivalTexts Rival);

/// <summary>All rounds and the figures drawn from them.</summary>
/// <param name="Rounds">At least one.</param>
internal sealed record RivalBenchResult(IReadOnlyList<RivalRound> Rounds)
{
    private IEnumerable<SessionStats> Stats => Rounds.SelectMany(round => round.Rival.Stats);

    /// <summary>Median of the rounds.</summary>
    public double PlainTokensPerSecond => Statistics.Median(Rounds.Select(round => round.Plain.TokensPerSecond));

    /// <summary>Median of the rounds.</summary>
    public double TokensPerSecond => Statistics.Median(Rounds.Select(round => round.Rival.TokensPerSecond));

    /// <summary>Median over rounds of the rival's speed over plain decoding's in the same round.</summary>
    public double SpeedUp =>
        Statistics.Median(Rounds.Select(round => round.Rival.TokensPerSecond / round.Plain.TokensPerSecond));

    /// <summary>Accepted over judged drafts.</summary>
    public double Alpha => Ratio(Stats.Sum(stats => stats.AcceptedDrafts), Stats.Sum(stats => stats.VerifiedDrafts));

    /// <summary>Accepted over all drafts, including those after a rejected one: the acceptance rate of block speculation.</summary>
    public double AcceptedShare => Ratio(Stats.Sum(stats => stats.AcceptedDrafts), Drafted);

    /// <summary>Tokens between two rejections.</summary>
    public double TokensPerRun =>
        Ratio(Stats.Sum(stats => stats.GeneratedTokens), Stats.Sum(stats => stats.Rollbacks) + Stats.Count());

    /// <summary>Exit-head runs per token.</summary>
    public double DraftsPerToken => Ratio(Drafted, Stats.Sum(stats => stats.GeneratedTokens));

    /// <summary>Share of the rival's decoding time in which it drafted.</summary>
    public double DraftShare =>
        Ratio(Rounds.Sum(round => round.Rival.DraftMs), Rounds.Sum(round => round.Rival.DecodeMs));

    /// <summary>True when all rounds of both decoders wrote the same texts.</summary>
    public bool IsTextIdentical =>
        Rounds
            .SelectMany(round => (RivalTexts[])[round.Plain, round.Rival])
            .All(texts => texts.Tokens.Zip(Rounds[0].Plain.Tokens).All(pair => pair.First.SequenceEqual(pair.Second)));

    private double Drafted => Stats.Sum(stats => stats.VerifiedDrafts + stats.CancelledDrafts);

    private static double Ratio(double part, double whole) => whole == 0 ? double.NaN : part / whole;
}
