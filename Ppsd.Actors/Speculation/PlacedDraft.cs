using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>A draft in flight as it is shown.</summary>
/// <param name="Token">The likeliest for its place.</param>
/// <param name="Others">Other drafts in flight for the same place, the likeliest first.</param>
internal readonly record struct PlacedDraft(TokenId Token, TokenId[] Others);
