namespace Ppsd.Host.Text.Tokens;

/// <summary>A stretch of a text, in UTF-16 units: an added token, or text between added tokens.</summary>
/// <param name="Start">Where it begins.</param>
/// <param name="Length">How long it is; never 0.</param>
/// <param name="TokenId">The added token's id, or null for plain text.</param>
internal readonly record struct TextSegment(int Start, int Length, int? TokenId);
