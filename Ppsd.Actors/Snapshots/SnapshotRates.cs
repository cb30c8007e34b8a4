using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Snapshots;

/// <summary>Rates between two snapshots of a cluster. Pure.</summary>
public sealed record SnapshotRates
{
    /// <summary>Share of time each stage was busy, 0 to 1; null where a stage is new or did not answer.</summary>
    public required IReadOnlyList<double?> BusyShares { get; init; }

    /// <summary>Tokens generated per second; null when the draft stage is new or did not answer.</summary>
    public required double? TokensPerSecond { get; init; }

    /// <summary>Accepted over verified drafts in between (alpha); null when none was verified.</summary>
    public required double? AcceptanceRate { get; init; }

    /// <summary>Rates between two snapshots.</summary>
    public static SnapshotRates Between(ClusterSnapshot earlier, ClusterSnapshot later)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        ArgumentNullException.ThrowIfNull(later);
        var stages = Enumerable
            .Range(0, later.Stages.Count)
            .Select(stage => (Before: StatusOf(earlier, stage), After: StatusOf(later, stage)))
            .ToList();
        var draft = stages.Count == 0 ? default : stages[0];
        return new SnapshotRates
        {
            BusyShares = stages.ConvertAll(stage => PerMs(stage.Before, stage.After, status => status.BusyMs)),
            TokensPerSecond = 1000 * PerMs(draft.Before, draft.After, status => status.Sessions?.GeneratedTokens),
            AcceptanceRate = Acceptance(draft.Before?.Sessions, draft.After?.Sessions),
        };
    }

    private static StageStatus? StatusOf(ClusterSnapshot snapshot, int stage) =>
        stage < snapshot.Stages.Count ? snapshot.Stages[stage].Status : null;

    /// <summary>
    /// Growth of a figure over the stage's own time; a stage that started in between has no earlier figure.
    /// </summary>
    private static double? PerMs(StageStatus? before, StageStatus? after, Func<StageStatus, double?> figure) =>
        before is not null && after is not null && after.UpMs > before.UpMs
            ? (figure(after) - figure(before)) / (after.UpMs - before.UpMs)
            : null;

    private static double? Acceptance(SessionTotals? before, SessionTotals? after)
    {
        var verified = after?.VerifiedDrafts - before?.VerifiedDrafts;
        return verified > 0 ? (double?)(after!.AcceptedDrafts - before!.AcceptedDrafts) / verified : null;
    }
}
