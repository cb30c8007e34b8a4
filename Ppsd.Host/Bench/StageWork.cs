using Ppsd.Actors.Messages;

namespace Ppsd.Host.Bench;

/// <summary>A stage's work between two readings.</summary>
internal sealed record StageWork
{
    /// <summary>Milliseconds on micro-batches.</summary>
    public required double BusyMs { get; init; }

    /// <summary>Milliseconds on completed micro-batches of candidates.</summary>
    public required double DecodeMs { get; init; }

    /// <summary>Part of <see cref="DecodeMs"/> in heads.</summary>
    public required double DecodeHeadsMs { get; init; }

    /// <summary>Micro-batches of candidates completed.</summary>
    public required long DecodeSteps { get; init; }

    /// <summary>Micro-batches that a cancel ended.</summary>
    public required long CancelledSteps { get; init; }

    /// <summary>Candidates of the completed micro-batches.</summary>
    public required long DecodeRows { get; init; }

    /// <summary>Milliseconds in draft-loop cycles that nothing held up.</summary>
    public required double CycleMs { get; init; }

    /// <summary>Part of those cycles in which the device worked.</summary>
    public required double CycleDeviceMs { get; init; }

    /// <summary>Number of cycles that nothing held up.</summary>
    public required long Cycles { get; init; }

    /// <summary>Milliseconds from the arrival of rejecting verdicts to the start of the new run.</summary>
    public required double RejectionMs { get; init; }

    /// <summary>Rejections.</summary>
    public required long Rejections { get; init; }

    /// <summary>Bytes the device's operations allocated on the stage's thread.</summary>
    public required long DeviceBytes { get; init; }

    /// <summary>Bytes that the rest of the stage's thread allocated, for the protocol.</summary>
    public required long ProtocolBytes { get; init; }

    /// <summary>Milliseconds of a micro-batch of candidates, heads and all; NaN without one.</summary>
    public double MsPerStep => DecodeSteps == 0 ? double.NaN : DecodeMs / DecodeSteps;

    /// <summary>Milliseconds of it in heads; NaN without one.</summary>
    public double HeadsMsPerStep => DecodeSteps == 0 ? double.NaN : DecodeHeadsMs / DecodeSteps;

    /// <summary>The difference between two readings.</summary>
    public static StageWork Between(StageStatus earlier, StageStatus later) =>
        new()
        {
            BusyMs = later.BusyMs - earlier.BusyMs,
            DecodeMs = later.DecodeMs - earlier.DecodeMs,
            DecodeHeadsMs = later.DecodeHeadsMs - earlier.DecodeHeadsMs,
            DecodeSteps = later.DecodeSteps - earlier.DecodeSteps,
            CancelledSteps = later.CancelledSteps - earlier.CancelledSteps,
            DecodeRows = later.DecodeRows - earlier.DecodeRows,
            CycleMs = later.CycleMs - earlier.CycleMs,
            CycleDeviceMs = later.CycleDeviceMs - earlier.CycleDeviceMs,
            Cycles = later.Cycles - earlier.Cycles,
            RejectionMs = later.RejectionMs - earlier.RejectionMs,
            Rejections = later.Rejections - earlier.Rejections,
            DeviceBytes = later.DeviceAllocatedBytes - earlier.DeviceAllocatedBytes,
            ProtocolBytes = later.ProtocolAllocatedBytes - earlier.ProtocolAllocatedBytes,
        };
}
