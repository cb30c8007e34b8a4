using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>One source's word for a token: how likely it calls the token, given that the tokens before it are right.</summary>
/// <param name="Step">How many tokens ahead of its origin the source proposed it, from 0.</param>
/// <param name="Probability">The source's own estimate, from 0 to 1.</param>
internal readonly record struct DraftClaim(DraftSource Source, int Step, double Probability);
