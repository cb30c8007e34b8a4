namespace Ppsd.Host.Planning;

/// <summary>
/// What PPSD can give over autoregressive decoding on the same stages, by the paper's model (eq. 7) and by refinements
/// of it with measured times. Pure.
/// </summary>
public sealed record SpeedUpModel
{
    /// <summary>Accepted over verified drafts; where micro-batches hold several candidates, confirmed drafts over tokens.</summary>
    public required double Alpha { get; init; }

    /// <summary>
    /// Micro-batches a token: 1 where each holds one candidate, fewer where chains and n-grams enter together.
    /// </summary>
    public double StepsPerToken { get; init; } = 1;

    /// <summary>Milliseconds of each stage for one candidate, target head included, exit head not.</summary>
    public required IReadOnlyList<double> StageMs { get; init; }

    /// <summary>Milliseconds of each stage for as many candidates as a micro-batch holds, otherwise the same.</summary>
    public IReadOnlyList<double> DraftedStageMs
    {
        get => field ?? StageMs;
        init;
    }

    /// <summary>Stage that holds the exit head, from 0.</summary>
    public required int HeadStage { get; init; }

    /// <summary>Milliseconds of the exit head.</summary>
    public required double ExitHeadMs { get; init; }

    /// <summary>Milliseconds of a hop between stages, the verdict's way back included.</summary>
    public required double HandOverMs { get; init; }

    /// <summary>
    /// Eq. 7, rho* = N / (alpha E + (1 - alpha) ceil(N/E) E), for P equal stages: P / (alpha + (1 - alpha) P). NaN where
    /// micro-batches hold several candidates, of which the paper knows nothing.
    /// </summary>
    public double Equation7 => StageMs.Count / ExpectedCycles;

    /// <summary>
    /// Eq. 7 with the slowest measured stage as the cycle, its head included, against measured autoregressive time.
    /// </summary>
    public double WithSlowestCycle => AutoregressiveMs / (SlowestStageMs * ExpectedCycles);

    /// <summary>
    /// With a free core for every stage: a confirmed draft costs a cycle of the slowest stage, a rejection the whole way
    /// through all stages and back. Hops overlap with work except on that way.
    /// </summary>
    public double WithFreeCores => AutoregressiveMs / FreeCoresMsPerToken;

    /// <summary>Milliseconds per token with a free core for every stage.</summary>
    public double FreeCoresMsPerToken => MsPerToken(StageMs.Count * HandOverMs);

    /// <summary>
    /// Milliseconds per token where <paramref name="parallelStages"/> stages can work at the same time: a cycle is the slowest
    /// stage's time, and not less than its share of the work of all. With a core for every stage it is
    /// <see cref="FreeCoresMsPerToken"/>.
    /// </summary>
    /// <param name="parallelStages">At least 1; cores over the threads of a stage where stages share a machine.</param>
    public double MsPerTokenOn(int parallelStages)
    {
        var workMs = StageMs.Sum() + (HeadStage < StageMs.Count - 1 ? ExitHeadMs : 0);
        return Alpha * Math.Max(SlowestStageMs, workMs / parallelStages) + (1 - Alpha) * AutoregressiveMs;
    }

    /// <summary>
    /// Milliseconds per token by the stages' own times alone: as <see cref="FreeCoresMsPerToken"/>, with hops that take no
    /// time. What the protocol adds is the distance to it.
    /// </summary>
    public double BoundMsPerToken => MsPerToken(hopsMs: 0);

    /// <summary>Milliseconds of an autoregressive token: every stage and every hop, one after another.</summary>
    public double AutoregressiveMs => StageMs.Sum() + StageMs.Count * HandOverMs;

    /// <summary>Milliseconds of the slowest stage; the exit head counts where it runs.</summary>
    public double SlowestStageMs =>
        DraftedStageMs
            .Select((ms, stage) => ms + (stage == HeadStage && stage < StageMs.Count - 1 ? ExitHeadMs : 0))
            .Max();

    /// <summary>Cycles between a token's entry and its successor's, E[D] = alpha + (1 - alpha) P.</summary>
    private double ExpectedCycles => StepsPerToken == 1 ? Alpha + (1 - Alpha) * StageMs.Count : double.NaN;

    /// <summary>
    /// A token without a confirmed draft takes the whole way, in a micro-batch that it begins; each other micro-batch a cycle,
    /// whatever it brings.
    /// </summary>
    private double MsPerToken(double hopsMs) =>
        (StepsPerToken - (1 - Alpha)) * SlowestStageMs + (1 - Alpha) * (DraftedStageMs.Sum() + hopsMs);
}
