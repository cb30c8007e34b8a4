using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>
/// What DEL (2504.05598) knows of each exit: how often its head has agreed with the target lately, and how sure it was when
/// it did and when it did not. Counts of a round lose 5 % of their weight with each round after it. Pure.
/// </summary>
/// <param name="exits">Number of exits.</param>
internal sealed class DelStatistics(int exits)
{
    private const double Omega = 0.95;

    private readonly Tally[] _tallies = new Tally[exits];

    /// <summary>Matches over all tokens; 0 before the first round.</summary>
    public double Alpha(int exit) =>
        _tallies[exit] is { Matches: var right, Misses: var wrong } && right + wrong > 0 ? right / (right + wrong) : 0;

    /// <summary>
    /// The probability below which drafting stops: the mean of how sure the exit's head was, on average, when right and when
    /// wrong. NaN, which nothing lies below, as long as either has not happened, as in the published code.
    /// </summary>
    public double Threshold(int exit)
    {
        var tally = _tallies[exit];
        return (tally.ConfidenceRight / tally.Matches + tally.ConfidenceWrong / tally.Misses) / 2;
    }

    /// <summary>Adds a round's tokens, [exits][positions], as far as <paramref name="positions"/>.</summary>
    public void Note(ShadowToken[][] shadows, TokenId[] target, int positions)
    {
        for (var exit = 0; exit < _tallies.Length; exit++)
        {
            var tally = _tallies[exit].Decayed(Omega);
            for (var i = 0; i < positions; i++)
            {
                tally = tally.With(shadows[exit][i].Token == target[i], shadows[exit][i].Confidence);
            }

            _tallies[exit] = tally;
        }
    }

    /// <summary>Positions up to and including the first where an exit's head and the target differ.</summary>
    public static int ComparablePositions(ShadowToken[] exit, TokenId[] target)
    {
        var same = 0;
        while (same < target.Length && exit[same].Token == target[same])
        {
            same++;
        }

        return Math.Min(same + 1, target.Length);
    }

    /// <summary>The exit and the number of drafts that promise most tokens for the layers they run.</summary>
    /// <param name="layers">Layers before each exit.</param>
    /// <param name="allLayers">Layers of the model.</param>
    /// <param name="lengths">Numbers of drafts that are looked at: 0 to one less.</param>
    public DelChoice Choose(IReadOnlyList<int> layers, int allLayers, int lengths)
    {
        var (best, bestRate) = (new DelChoice(0, 0), double.NegativeInfinity);
        for (var exit = 0; exit < _tallies.Length; exit++)
        {
            for (var drafts = 0; drafts < lengths; drafts++)
            {
                var rate = BlockCosts.ExpectedTokens(Alpha(exit), drafts) / (allLayers + (double)drafts * layers[exit]);
                if (rate > bestRate)
                {
                    (best, bestRate) = (new DelChoice(exit, drafts), rate);
                }
            }
        }

        return best;
    }

    private readonly record struct Tally(double Matches, double Misses, double ConfidenceRight, double ConfidenceWrong)
    {
        public Tally Decayed(double by) => new(by * Matches, by * Misses, by * ConfidenceRight, by * ConfidenceWrong);

        public Tally With(bool isRight, double confidence) =>
            isRight
                ? this with
                {
                    Matches = Matches + 1,
                    ConfidenceRight = ConfidenceRight + confidence,
                }
                : this with
                {
                    Misses = Misses + 1,
                    ConfidenceWrong = ConfidenceWrong + confidence,
                };
    }
}

/// <summary>What DEL chose.</summary>
/// <param name="Exit">The exit, from 0.</param>
/// <param name="Drafts">The number of drafts that made it the best.</param>
internal readonly record struct DelChoice(int Exit, int Drafts);
