namespace Ppsd.Host.Text.Tokens;

/// <summary>One merge of BPE.</summary>
/// <param name="Rank">How early it happens: the smallest first.</param>
/// <param name="Merged">Id of the piece that the pair becomes.</param>
internal readonly record struct PairMerge(int Rank, int Merged);
