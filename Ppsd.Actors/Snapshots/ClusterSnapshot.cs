using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Snapshots;

/// <summary>
/// A cluster at one moment: its members, its pipeline and its stages. Figures count since each stage loaded; <see
/// cref="SnapshotRates"/> computes rates from two snapshots.
/// </summary>
public sealed record ClusterSnapshot
{
    /// <summary>When it was taken.</summary>
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>Members as this process sees them, by address; one process without a cluster is a member by itself.</summary>
    public required IReadOnlyList<MemberSnapshot> Members { get; init; }

    /// <summary>True when there is a pipeline.</summary>
    public required bool IsFormed { get; init; }

    /// <summary>True when it accepts new requests; false while one of its nodes is leaving.</summary>
    public required bool IsAdmitting { get; init; }

    /// <summary>State of the pipeline in words, or that no coordinator answers.</summary>
    public required string Explanation { get; init; }

    /// <summary>True when a coordinator answered, or none is needed.</summary>
    public required bool HasCoordinator { get; init; }

    /// <summary>Formation of the pipeline; 0 when there is none.</summary>
    public required int Epoch { get; init; }

    /// <summary>Fingerprint of the model; empty when there is no pipeline.</summary>
    public required string ModelFingerprint { get; init; }

    /// <summary>Stages in order; none when there is no pipeline.</summary>
    public required IReadOnlyList<StageSnapshot> Stages { get; init; }

    /// <summary>Figures of all sessions; null when there is no pipeline or its draft stage did not answer.</summary>
    public SessionTotals? Sessions => Stages.Count == 0 ? null : Stages[0].Status?.Sessions;
}
