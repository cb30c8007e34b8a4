namespace Ppsd.Kernels.Distillation.Evaluation;

/// <summary>How often a head's drafts were right, for one of its drafting steps and one way of drawing tokens.</summary>
internal sealed class StepEvaluation
{
    /// <summary>Number of best drafts that count as a hit, column by column.</summary>
    public static IReadOnlyList<int> Ranks { get; } = [1, 2, 4, 8];

    /// <summary>First position of each bucket but the first, which starts at 0.</summary>
    public static IReadOnlyList<int> PositionBorders { get; } = [64, 128, 256, 512, 1024, 2048, 4096];

    private readonly long[] _hits = new long[4];
    private readonly long[] _bucketHits = new long[PositionBorders.Count + 1];
    private readonly long[] _bucketCounts = new long[PositionBorders.Count + 1];
    private double _overlap;

    /// <summary>Positions measured.</summary>
    public long Count { get; private set; }

    /// <summary>Mean over positions of the sum of min(target, draft).</summary>
    public double Overlap => _overlap / Math.Max(1, Count);

    /// <summary>Share of positions at which the target's token is the best draft.</summary>
    public double Acceptance => Share(0);

    /// <summary>Share of positions at which the target's token is among the best <c>Ranks[column]</c> drafts.</summary>
    public double Share(int column) => (double)_hits[column] / Math.Max(1, Count);

    /// <summary>Acceptance by position in the text; only buckets that hold some.</summary>
    public IEnumerable<PositionAcceptance> ByPosition()
    {
        for (var i = 0; i < _bucketCounts.Length; i++)
        {
            if (_bucketCounts[i] > 0)
            {
                yield return new PositionAcceptance(
                    i == 0 ? 0 : PositionBorders[i - 1],
                    i == PositionBorders.Count ? null : PositionBorders[i],
                    (double)_bucketHits[i] / _bucketCounts[i],
                    _bucketCounts[i]
                );
            }
        }
    }

    /// <summary>Counts a position.</summary>
    /// <param name="position">Position of the predicted token.</param>
    /// <param name="rank">Place of the target's token among the drafts, from 0.</param>
    /// <param name="overlap">Sum of min(target, draft).</param>
    public void Add(int position, int rank, double overlap)
    {
        var bucket = 0;
        while (bucket < PositionBorders.Count && position >= PositionBorders[bucket])
        {
            bucket++;
        }

        Count++;
        _overlap += overlap;
        _bucketCounts[bucket]++;
        _bucketHits[bucket] += rank == 0 ? 1 : 0;
        for (var i = 0; i < Ranks.Count; i++)
        {
            _hits[i] += rank < Ranks[i] ? 1 : 0;
        }
    }
}

/// <summary>Acceptance in a stretch of positions.</summary>
/// <param name="From">First position.</param>
/// <param name="Until">First position after it; null for no end.</param>
/// <param name="Acceptance">Share of positions at which the best draft was right.</param>
/// <param name="Count">Positions measured.</param>
internal readonly record struct PositionAcceptance(int From, int? Until, double Acceptance, long Count);
