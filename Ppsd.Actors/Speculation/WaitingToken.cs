using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>A verified token that waits to enter.</summary>
/// <param name="Parent">The candidate before it, whose verdict it is.</param>
/// <param name="Token">The token.</param>
internal readonly record struct WaitingToken(CandidateId Parent, TokenId Token);
