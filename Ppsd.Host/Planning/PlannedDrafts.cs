namespace Ppsd.Host.Planning;

/// <summary>How a chain is expected to draft by a plan: what it was balanced for. A pipeline chooses anew by what it meets.</summary>
/// <param name="Depth">Tokens ahead.</param>
/// <param name="Width">Candidates of a micro-batch.</param>
/// <param name="MsPerToken">Milliseconds per token of one text.</param>
public sealed record PlannedDrafts(int Depth, int Width, double MsPerToken);
