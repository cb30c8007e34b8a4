namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>What a block of drafts costs, in passes of the whole model over one token. Pure.</summary>
/// <param name="Draft">A drafted token: the layers up to the exit, and the head.</param>
/// <param name="Row">A further row of the verifying pass.</param>
internal readonly record struct BlockCosts(double Draft, double Row)
{
    /// <summary>
    /// Tokens that a block of <paramref name="drafts"/> drafts gives on average, if each is right with chance
    /// <paramref name="alpha"/> once those before it are: 1 + alpha + … + alpha^drafts (Leviathan et al. 2023).
    /// </summary>
    public static double ExpectedTokens(double alpha, int drafts)
    {
        var (tokens, reached) = (1.0, 1.0);
        for (var i = 0; i < drafts; i++)
        {
            reached *= alpha;
            tokens += reached;
        }

        return tokens;
    }

    /// <summary>Cost of a block: one pass, and what its drafts add.</summary>
    public double Of(int drafts) => 1 + drafts * (Draft + Row);

    /// <summary>The number of drafts, at most <paramref name="most"/>, that gives most tokens for its cost.</summary>
    public int BestLength(double alpha, int most)
    {
        var (best, bestRate) = (0, 1.0);
        for (var drafts = 1; drafts <= most; drafts++)
        {
            var rate = ExpectedTokens(alpha, drafts) / Of(drafts);
            if (rate > bestRate)
            {
                (best, bestRate) = (drafts, rate);
            }
        }

        return best;
    }
}
