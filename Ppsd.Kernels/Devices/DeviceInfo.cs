namespace Ppsd.Kernels.Devices;

/// <summary>A device of this machine.</summary>
/// <param name="Name">As the command line names it: <c>cpu</c>, <c>cuda:0</c>.</param>
/// <param name="Description">In words.</param>
/// <param name="Trouble">Why it cannot be used, in one line; null when it can.</param>
public sealed record DeviceInfo(string Name, string Description, string? Trouble);
