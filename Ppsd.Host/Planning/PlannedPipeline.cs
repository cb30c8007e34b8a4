using Ppsd.Actors.Planning;

namespace Ppsd.Host.Planning;

/// <summary>A cut of the model and what it should give.</summary>
/// <param name="Stages">Layers of each stage.</param>
/// <param name="ExitHead">The exit head in stage 1; null without one.</param>
/// <param name="Times">Times per stage, and what follows from them where drafts go one token ahead.</param>
/// <param name="ParallelStages">Stages that can work at the same time.</param>
public sealed record PlannedPipeline(StagePlan Stages, ExitHeadCosts? ExitHead, SpeedUpModel Times, int ParallelStages)
{
    /// <summary>How a chain is expected to draft; null where the exit head is none.</summary>
    public PlannedDrafts? Chain { get; init; }

    /// <summary>Milliseconds per token that PPSD is expected to take; autoregressive decoding's without an exit head.</summary>
    public double MsPerToken =>
        ExitHead is null ? Times.AutoregressiveMs : Chain?.MsPerToken ?? Times.MsPerTokenOn(ParallelStages);
}
