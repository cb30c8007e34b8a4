namespace Ppsd.Host.Api.Responses;

/// <summary>Answer of <c>/health</c> and <c>/health/ready</c>.</summary>
/// <param name="Status">One word.</param>
/// <param name="Detail">What is missing; null when ready.</param>
internal sealed record HealthAnswer(string Status, string? Detail = null);

/// <summary>Answer of <c>/version</c>.</summary>
/// <param name="Version">This program's version.</param>
internal sealed record VersionAnswer(string Version);
