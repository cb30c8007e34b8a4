namespace Ppsd.Host.Verification;

/// <summary>Result of one check of a device.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Passed">Whether it holds.</param>
/// <param name="Detail">Figures, or what was wrong.</param>
internal sealed record Finding(string Name, bool Passed, string Detail);
