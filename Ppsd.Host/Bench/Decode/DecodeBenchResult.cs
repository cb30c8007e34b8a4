using Ppsd.Actors.Messages;
using Ppsd.Host.Planning;

namespace Ppsd.Host.Bench.Decode;

/// <summary>Rounds of the decode benchmark and the figures drawn from them; docs/benchmarking.md defines each. One that cannot be computed is NaN.</summary>
/// <param name="rounds">Rounds of each arm.</param>
/// <param name="status">The stages after the last round.</param>
internal sealed class DecodeBenchResult(
    PipelineFormed pipeline,
    IReadOnlyDictionary<BenchArm, List<DecodeRound>> rounds,
    IReadOnlyList<StageStatus> status
)
{
    /// <summary>The stages.</summary>
    public PipelineFormed Pipeline { get; } = pipeline;

    /// <summary>The stages' figures after the last round.</summary>
    public IReadOnlyList<StageStatus> Status { get; } = status;

    /// <summary>Stages of the pipeline.</summary>
    public int StageCount => Pipeline.Stages.Length;

    /// <summary>Arms that were measured, in the order of the enumeration.</summary>
    public IReadOnlyList<BenchArm> Arms { get; } = [.. rounds.Keys.Order()];

    /// <summary>True when PPSD was measured too: there is an exit head.</summary>
    public bool HasPpsd => rounds.ContainsKey(BenchArm.Ppsd);

    /// <summary>Rounds of an arm.</summary>
    public IReadOnlyList<DecodeRound> Rounds(BenchArm arm) => rounds[arm];

    /// <summary>Median tokens per second of an arm's rounds.</summary>
    public double TokensPerSecond(BenchArm arm) =>
        Statistics.Median(rounds[arm].Select(round => round.TokensPerSecond));

    /// <summary>The same of whole texts, from their prompts on.</summary>
    public double TextTokensPerSecond(BenchArm arm) =>
        Statistics.Median(rounds[arm].Select(round => round.TextTokensPerSecond));

    /// <summary>Standard deviation of an arm's rounds.</summary>
    public double TokensPerSecondDeviation(BenchArm arm) =>
        Statistics.StandardDeviation(rounds[arm].Select(round => round.TokensPerSecond));

    /// <summary>Median over rounds of PPSD's tokens per second over another arm's of the same round.</summary>
    public double SpeedUpOver(BenchArm baseline) => SpeedUpOver(baseline, round => round.TokensPerSecond);

    /// <summary>The same of whole texts, from their prompts on.</summary>
    public double TextSpeedUpOver(BenchArm baseline) => SpeedUpOver(baseline, round => round.TextTokensPerSecond);

    /// <summary>Median over rounds of PPSD's tokens per second over <see cref="BoundOf"/> the same round.</summary>
    public double ShareOfBound =>
        Statistics.Median(rounds[BenchArm.Ppsd].Select(round => round.TokensPerSecond / BoundOf(round)));

    /// <summary>Median over rounds of <see cref="BoundOf"/>.</summary>
    public double BoundTokensPerSecond => Statistics.Median(rounds[BenchArm.Ppsd].Select(BoundOf));

    /// <summary>True when all arms gave the same tokens for every prompt in every round.</summary>
    public bool IsTextIdentical
    {
        get
        {
            var expected = rounds[BenchArm.Autoregressive][0].Tokens;
            return rounds
                .Values.SelectMany(list => list)
                .All(round => round.Tokens.Zip(expected).All(pair => pair.First.SequenceEqual(pair.Second)));
        }
    }

    /// <summary>Accepted over verified drafts, over all rounds.</summary>
    public double Alpha => AlphaOf(AllSessions(BenchArm.Ppsd));

    /// <summary>True when no PPSD micro-batch held more than one candidate, as in the paper.</summary>
    public bool HasOneRowACycle =>
        AllSessions(BenchArm.Ppsd) is var sessions
        && sessions.Sum(session => session.Rows) == sessions.Sum(session => session.Cycles);

    /// <summary>Drafts cancelled in flight over all drafts that entered.</summary>
    public double CancelledShare
    {
        get
        {
            var sessions = AllSessions(BenchArm.Ppsd);
            var cancelled = sessions.Sum(session => session.CancelledDrafts);
            var drafts = cancelled + sessions.Sum(session => session.VerifiedDrafts);
            return drafts == 0 ? double.NaN : cancelled / (double)drafts;
        }
    }

    /// <summary>Tokens verified per run: between two rejections.</summary>
    public double TokensPerRun
    {
        get
        {
            var sessions = AllSessions(BenchArm.Ppsd);
            return sessions.Sum(session => session.GeneratedTokens)
                / (double)(sessions.Sum(session => session.Rollbacks) + sessions.Count);
        }
    }

    /// <summary>Median milliseconds between micro-batches entering stage 1.</summary>
    public double CycleMs(BenchArm arm) =>
        Statistics.Median(AllSessions(arm).Select(session => session.MeanCycleMs).Where(ms => ms > 0));

    /// <summary>Median milliseconds to the first token.</summary>
    public double TimeToFirstTokenMs(BenchArm arm) =>
        Statistics.Median(AllSessions(arm).Select(session => session.TimeToFirstTokenMs));

    /// <summary>Busy share of a stage over an arm's rounds.</summary>
    public double BusyShare(BenchArm arm, int stage) =>
        rounds[arm].Sum(round => round.Stages[stage].BusyMs) / rounds[arm].Sum(round => round.ElapsedMs);

    /// <summary>
    /// Milliseconds a stage takes for one candidate when nothing competes with it, from the autoregressive rounds, where
    /// one stage works at a time.
    /// </summary>
    public double StageMs(int stage) =>
        Statistics.Median(rounds[BenchArm.Autoregressive].Select(round => round.Stages[stage].MsPerStep));

    /// <summary>The same while all stages work, from the PPSD rounds; the exit head is not counted.</summary>
    public double StageMsTogether(int stage) =>
        Statistics.Median(rounds[BenchArm.Ppsd].Select(round => WithoutExitHead(round, stage)));

    /// <summary>Candidates of a completed micro-batch at a stage in the PPSD rounds, on average.</summary>
    public double RowsPerStep(int stage) =>
        Mean(BenchArm.Ppsd, work => work.DecodeRows, work => work.DecodeSteps, stage);

    /// <summary>Steps completed at the last stage per token in the PPSD rounds.</summary>
    public double StepsPerToken =>
        rounds[BenchArm.Ppsd].Sum(round => round.Stages[^1].DecodeSteps)
        / (double)rounds[BenchArm.Ppsd].Sum(round => round.GeneratedTokens);

    /// <summary>Accepted drafts a cycle in the PPSD rounds.</summary>
    public double AcceptedPerCycle => PerCycle(session => session.AcceptedDrafts);

    /// <summary>Rows a cycle in the PPSD rounds.</summary>
    public double RowsPerCycle => PerCycle(session => session.Rows);

    /// <summary>Judged and accepted drafts by source and step in the PPSD rounds.</summary>
    public IReadOnlyList<DraftSourceFigures> Sources =>
        DraftSourceFigures.Sum(AllSessions(BenchArm.Ppsd).SelectMany(session => session.Sources));

    /// <summary>Milliseconds the exit head adds to its stage, from the PPSD rounds; 0 when it was not measured.</summary>
    public double ExitHeadMs =>
        HasPpsd && HeadStage < StageCount - 1
            ? Statistics.Median(rounds[BenchArm.Ppsd].Select(round => round.Stages[HeadStage].HeadsMsPerStep))
            : 0;

    /// <summary>
    /// Milliseconds of a hop: an autoregressive token's time less the time its stages worked, divided by
    /// the number of hops (including the verdict's way back).
    /// </summary>
    public double HandOverMs =>
        Math.Max(
            0,
            (
                Statistics.Median(rounds[BenchArm.Autoregressive].Select(round => round.MsPerToken))
                - Enumerable.Range(0, StageCount).Sum(StageMs)
            ) / StageCount
        );

    /// <summary>Mean milliseconds of a draft-loop cycle in which stage 1's device did not work.</summary>
    public double CycleOverheadMs =>
        Mean(BenchArm.Ppsd, work => work.CycleMs - work.CycleDeviceMs, work => work.Cycles, HeadStage);

    /// <summary>
    /// Mean milliseconds from the arrival of a rejecting verdict at stage 1 to the start of the new run there.
    /// </summary>
    public double RejectionMs => Mean(BenchArm.Ppsd, work => work.RejectionMs, work => work.Rejections, stage: 0);

    /// <summary>Bytes the device's operations allocate per token, over all stages.</summary>
    public double DeviceBytesPerToken(BenchArm arm) => PerToken(arm, work => work.DeviceBytes);

    /// <summary>Bytes the stages' threads allocate per token for the protocol, over all stages.</summary>
    public double ProtocolBytesPerToken(BenchArm arm) => PerToken(arm, work => work.ProtocolBytes);

    /// <summary>The speed-up model fed with stage times measured one at a time.</summary>
    public SpeedUpModel Model =>
        new()
        {
            Alpha = HasPpsd ? RateOf([.. rounds[BenchArm.Ppsd].SelectMany(round => round.Sessions)]) : 0,
            StepsPerToken = HasPpsd ? StepsOf(rounds[BenchArm.Ppsd]) : 1,
            StageMs = [.. Enumerable.Range(0, StageCount).Select(StageMs)],
            DraftedStageMs = [.. Enumerable.Range(0, StageCount).Select(stage => StageMs(stage) * TimeOfRows(stage))],
            HeadStage = HeadStage,
            ExitHeadMs = ExitHeadMs,
            HandOverMs = HandOverMs,
        };

    private int HeadStage => Math.Max(0, Array.FindIndex(Pipeline.Stages, stage => stage.Description.HasExitHead));

    /// <summary>
    /// Tokens per second that PPSD could give in a round by the stages' own times in that round and by what became of its drafts,
    /// if nothing but the stages took time.
    /// </summary>
    private double BoundOf(DecodeRound round)
    {
        var times = new SpeedUpModel
        {
            Alpha = RateOf(round.Sessions),
            StepsPerToken = StepsOf([round]),
            StageMs = [.. Enumerable.Range(0, StageCount).Select(stage => WithoutExitHead(round, stage))],
            HeadStage = HeadStage,
            ExitHeadMs = round.Stages[HeadStage].HeadsMsPerStep,
            HandOverMs = 0,
        };
        return 1000 / times.BoundMsPerToken;
    }

    private double WithoutExitHead(DecodeRound round, int stage) =>
        round.Stages[stage].MsPerStep
        - (stage == HeadStage && stage < StageCount - 1 ? round.Stages[stage].HeadsMsPerStep : 0);

    /// <summary>
    /// Time of a stage's PPSD steps over that of a step of one candidate, by what rows were measured to cost when it loaded; NaN
    /// where they were not.
    /// </summary>
    private double TimeOfRows(int stage)
    {
        if (!HasPpsd || HasOneRowACycle)
        {
            return 1;
        }

        var costs = Pipeline.Stages[stage].Description.RowCosts;
        var rows = RowsPerStep(stage);
        var below = (int)Math.Floor(rows);
        var share = rows - below;
        return costs.StepMs > 0 && double.IsFinite(rows)
            ? ((1 - share) * costs.LayersMs(below) + share * costs.LayersMs(below + 1)) / costs.StepMs
            : double.NaN;
    }

    /// <summary>Alpha, or where micro-batches hold several candidates the share of tokens that had a confirmed draft.</summary>
    private double RateOf(IReadOnlyList<SessionStats> sessions) =>
        HasOneRowACycle
            ? AlphaOf(sessions)
            : sessions.Sum(session => session.AcceptedDrafts)
                / (double)sessions.Sum(session => session.GeneratedTokens - 1);

    /// <summary>Micro-batches a token, those counted that got verdicts.</summary>
    private double StepsOf(IReadOnlyList<DecodeRound> of) =>
        HasOneRowACycle
            ? 1
            : of.Sum(round => round.Stages[^1].DecodeSteps)
                / (double)of.Sum(round => round.Sessions.Sum(session => session.GeneratedTokens - 1));

    private static double AlphaOf(IReadOnlyList<SessionStats> sessions)
    {
        var verified = sessions.Sum(session => session.VerifiedDrafts);
        return verified == 0 ? double.NaN : sessions.Sum(session => session.AcceptedDrafts) / (double)verified;
    }

    private double Mean(BenchArm arm, Func<StageWork, double> sum, Func<StageWork, long> count, int stage)
    {
        var counted = rounds[arm].Sum(round => count(round.Stages[stage]));
        return counted == 0 ? double.NaN : rounds[arm].Sum(round => sum(round.Stages[stage])) / counted;
    }

    private double PerCycle(Func<SessionStats, int> count)
    {
        var sessions = AllSessions(BenchArm.Ppsd);
        var cycles = sessions.Sum(session => session.Cycles);
        return cycles == 0 ? double.NaN : (double)sessions.Sum(count) / cycles;
    }

    private double PerToken(BenchArm arm, Func<StageWork, long> bytes) =>
        rounds[arm].Sum(round => round.Stages.Sum(bytes)) / (double)rounds[arm].Sum(round => round.GeneratedTokens);

    private List<SessionStats> AllSessions(BenchArm arm) => [.. rounds[arm].SelectMany(round => round.Sessions)];

    private double SpeedUpOver(BenchArm baseline, Func<DecodeRound, double> speed) =>
        Statistics.Median(rounds[BenchArm.Ppsd].Zip(rounds[baseline], (ppsd, other) => speed(ppsd) / speed(other)));
}
