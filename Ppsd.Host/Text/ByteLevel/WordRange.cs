namespace Ppsd.Host.Text.ByteLevel;

/// <summary>Where a word lies in a text, in UTF-16 units.</summary>
/// <param name="Start">Where it begins.</param>
/// <param name="Length">How long it is.</param>
internal readonly record struct WordRange(int Start, int Length);
