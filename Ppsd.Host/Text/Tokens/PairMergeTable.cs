using System.Runtime.InteropServices;

namespace Ppsd.Host.Text.Tokens;

/// <summary>Which pairs of pieces merge, how early, and into what. Immutable once filled; safe for several threads.</summary>
internal sealed class PairMergeTable
{
    private readonly Dictionary<(int Left, int Right), PairMerge> _merges = [];

    /// <summary>While building: the next merge in the order of the file; a later one of the same pair replaces it.</summary>
    /// <param name="left">Id of the left piece.</param>
    /// <param name="right">Id of the right piece.</param>
    /// <param name="rank">How early it merges, smallest first.</param>
    /// <param name="merged">Id of both together.</param>
    public void Set(int left, int right, int rank, int merged) =>
        CollectionsMarshal.GetValueRefOrAddDefault(_merges, (left, right), out _) = new PairMerge(rank, merged);

    /// <summary>Finds the merge of a pair.</summary>
    public bool TryFind(int left, int right, out PairMerge merge) => _merges.TryGetValue((left, right), out merge);
}
