using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>One source's proposal of a token with its probability, given that the tokens before it are right.</summary>
/// <param name="Step">Tokens between its origin and it: 0 for the origin's successor.</param>
/// <param name="Probability">The source's own estimate, from 0 to 1.</param>
internal readonly record struct DraftClaim(DraftSource Source, int Step, double Probability);
