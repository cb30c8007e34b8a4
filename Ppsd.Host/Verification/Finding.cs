namespace Ppsd.Host.Verification;

/// <summary>What one check of a device found.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Passed">Whether it holds.</param>
/// <param name="Detail">Figures, or what was wrong.</param>
internal sealed record Finding(string Name, bool Passed, string Detail);
