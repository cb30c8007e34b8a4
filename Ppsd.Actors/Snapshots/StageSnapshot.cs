using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Snapshots;

/// <summary>A stage of the pipeline.</summary>
/// <param name="Stage">Its place.</param>
/// <param name="Address">Its node.</param>
/// <param name="Description">What it holds.</param>
/// <param name="Status">Its figures; null when it did not answer in time.</param>
public sealed record StageSnapshot(StageIndex Stage, string Address, StageDescription Description, StageStatus? Status)
{
    /// <summary>Asks every stage of a pipeline, at once.</summary>
    /// <param name="ownAddress">Address of stages of this process.</param>
    /// <param name="timeout">How long to wait for each.</param>
    internal static Task<StageSnapshot[]> AskAllAsync(PipelineFormed pipeline, string ownAddress, TimeSpan timeout) =>
        Task.WhenAll(pipeline.Stages.Select((stage, i) => AskAsync(new StageIndex(i), stage, ownAddress, timeout)));

    private static async Task<StageSnapshot> AskAsync(
        StageIndex index,
        PipelineStage stage,
        string ownAddress,
        TimeSpan timeout
    )
    {
        var address = stage.Actor.Path.Address;
        return new StageSnapshot(
            index,
            address.HasGlobalScope ? address.ToString() : ownAddress,
            stage.Description,
            await ActorAsk.OrNullAsync<StageStatus>(stage.Actor, new GetStageStatus(), timeout).ConfigureAwait(false)
        );
    }
}
