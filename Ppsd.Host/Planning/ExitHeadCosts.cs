namespace Ppsd.Host.Planning;

/// <summary>An exit head that could be used.</summary>
/// <param name="ExitLayer">Layers before it: those of stage 1.</param>
/// <param name="HeadMs">Milliseconds it takes for one candidate.</param>
public sealed record ExitHeadCosts(int ExitLayer, double HeadMs);
