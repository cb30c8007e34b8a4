using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;

namespace Ppsd.Host.Bench;

/// <summary>Rounds of the decode benchmark and the figures drawn from them; docs/benchmarking.md defines each.</summary>
internal sealed class DecodeBenchResult(
    PipelineFormed pipeline,
    IReadOnlyDictionary<DecodeMode, List<DecodeRound>> rounds
)
{
    /// <summary>The stages.</summary>
    public PipelineFormed Pipeline { get; } = pipeline;

    /// <summary>Stages of the pipeline.</summary>
    public int StageCount => Pipeline.Stages.Length;

    /// <summary>True when PPSD was measured too: there is an exit head.</summary>
    public bool HasPpsd => rounds.ContainsKey(DecodeMode.Ppsd);

    /// <summary>Rounds of a mode.</summary>
    public IReadOnlyList<DecodeRound> Rounds(DecodeMode mode) => rounds[mode];

    /// <summary>Median tokens per second of a mode's rounds.</summary>
    public double TokensPerSecond(DecodeMode mode) =>
        Statistics.Median(rounds[mode].Select(round => round.TokensPerSecond));

    /// <summary>Standard deviation of a mode's rounds.</summary>
    public double TokensPerSecondDeviation(DecodeMode mode) =>
        Statistics.StandardDeviation(rounds[mode].Select(round => round.TokensPerSecond));

    /// <summary>Median over rounds of PPSD's tokens per second over autoregressive decoding's of the same round.</summary>
    public double SpeedUp =>
        Statistics.Median(
            rounds[DecodeMode.Ppsd]
                .Zip(rounds[DecodeMode.Autoregressive], (ppsd, plain) => ppsd.TokensPerSecond / plain.TokensPerSecond)
        );

    /// <summary>True when both modes gave the same tokens for every prompt in every round.</summary>
    public bool IsTextIdentical
    {
        get
        {
            var expected = rounds[DecodeMode.Autoregressive][0].Tokens;
            return rounds
                .Values.SelectMany(list => list)
                .All(round => round.Tokens.Zip(expected).All(pair => pair.First.SequenceEqual(pair.Second)));
        }
    }

    /// <summary>Accepted over verified drafts, over all rounds.</summary>
    public double Alpha
    {
        get
        {
            var sessions = AllSessions(DecodeMode.Ppsd);
            var verified = sessions.Sum(session => session.VerifiedDrafts);
            return verified == 0 ? 0 : sessions.Sum(session => session.AcceptedDrafts) / (double)verified;
        }
    }

    /// <summary>Drafts cancelled in flight over all drafts that entered.</summary>
    public double CancelledShare
    {
        get
        {
            var sessions = AllSessions(DecodeMode.Ppsd);
            var cancelled = sessions.Sum(session => session.CancelledDrafts);
            var drafts = cancelled + sessions.Sum(session => session.VerifiedDrafts);
            return drafts == 0 ? 0 : cancelled / (double)drafts;
        }
    }

    /// <summary>Tokens verified per run: between two rejections.</summary>
    public double TokensPerRun
    {
        get
        {
            var sessions = AllSessions(DecodeMode.Ppsd);
            return sessions.Sum(session => session.GeneratedTokens)
                / (double)(sessions.Sum(session => session.Rollbacks) + sessions.Count);
        }
    }

    /// <summary>Median milliseconds between micro-batches entering stage 1.</summary>
    public double CycleMs(DecodeMode mode) =>
        Statistics.Median(AllSessions(mode).Select(session => session.MeanCycleMs));

    /// <summary>Median milliseconds to the first token.</summary>
    public double TimeToFirstTokenMs(DecodeMode mode) =>
        Statistics.Median(AllSessions(mode).Select(session => session.TimeToFirstTokenMs));

    /// <summary>Busy share of a stage over a mode's rounds.</summary>
    public double BusyShare(DecodeMode mode, int stage) =>
        rounds[mode].Sum(round => round.Stages[stage].BusyMs)
        / rounds[mode].Sum(round => round.Elapsed.TotalMilliseconds);

    /// <summary>
    /// Milliseconds a stage takes for one candidate when nothing competes with it, from the autoregressive rounds, where
    /// one stage works at a time.
    /// </summary>
    public double StageMs(int stage) =>
        Statistics.Median(rounds[DecodeMode.Autoregressive].Select(round => round.Stages[stage].MsPerStep));

    /// <summary>Milliseconds the exit head adds to its stage, from the PPSD rounds; 0 when it was not measured.</summary>
    public double ExitHeadMs =>
        HasPpsd && HeadStage < StageCount - 1
            ? Statistics.Median(rounds[DecodeMode.Ppsd].Select(round => round.Stages[HeadStage].HeadsMsPerStep))
            : 0;

    /// <summary>
    /// Milliseconds of a hop: what is left of an autoregressive token's time when the stages' own is taken off, shared
    /// among the hops (the verdict's way back included).
    /// </summary>
    public double HandOverMs =>
        Math.Max(
            0,
            (
                Statistics.Median(rounds[DecodeMode.Autoregressive].Select(round => round.MsPerToken))
                - Enumerable.Range(0, StageCount).Sum(StageMs)
            ) / StageCount
        );

    /// <summary>The speed-up model fed with these figures.</summary>
    public SpeedUpModel Model =>
        new()
        {
            Alpha = HasPpsd ? Alpha : 0,
            StageMs = [.. Enumerable.Range(0, StageCount).Select(StageMs)],
            HeadStage = HeadStage,
            ExitHeadMs = ExitHeadMs,
            HandOverMs = HandOverMs,
        };

    private int HeadStage => Math.Max(0, Array.FindIndex(Pipeline.Stages, stage => stage.Description.HasExitHead));

    private List<SessionStats> AllSessions(DecodeMode mode) => [.. rounds[mode].SelectMany(round => round.Sessions)];
}
