namespace Ppsd.Actors.Stages;

/// <summary>A runtime's counters since it was loaded.</summary>
/// <param name="DeviceMs">
/// Milliseconds the device worked on steps, heads and sampling included: by the device's own clock where it has one,
/// else the time inside its operations.
/// </param>
/// <param name="AllocatedBytes">Bytes of garbage-collected memory the device's operations took on the stage's thread.</param>
public readonly record struct RuntimeFigures(double DeviceMs, long AllocatedBytes);
