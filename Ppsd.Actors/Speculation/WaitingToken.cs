using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>A verified token that waits to enter.</summary>
/// <param name="Parent">The candidate before it, whose verdict it is.</param>
/// <param name="Depth">Tokens that drafts behind it are to go ahead; 0 for as many as the session's settings say.</param>
internal readonly record struct WaitingToken(CandidateId Parent, TokenId Token, int Depth = 0);
