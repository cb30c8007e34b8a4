namespace Ppsd.Tests.Host.Text;

/// <summary>BPE as its definition says, in quadratic time: the oracle for the real ones.</summary>
internal static class NaiveMerging
{
    /// <summary>Merges the best adjacent pair, leftmost first among equals, until no pair has a rank.</summary>
    /// <param name="symbols">The text, symbol by symbol.</param>
    /// <param name="rank">How early two symbols merge, smallest first; null: never.</param>
    public static List<string> Merge(IEnumerable<string> symbols, Func<string, string, double?> rank)
    {
        var result = symbols.ToList();
        while (true)
        {
            var best = -1;
            var bestRank = double.PositiveInfinity;
            for (var i = 0; i + 1 < result.Count; i++)
            {
                if (rank(result[i], result[i + 1]) is { } r && r < bestRank)
                {
                    (best, bestRank) = (i, r);
                }
            }

            if (best < 0)
            {
                return result;
            }

            result[best] += result[best + 1];
            result.RemoveAt(best + 1);
        }
    }
}
