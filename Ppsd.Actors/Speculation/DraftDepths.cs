namespace Ppsd.Actors.Speculation;

/// <summary>How far an exit head drafts ahead, chosen by what its steps and rows cost the pipeline. Pure; one owner.</summary>
/// <param name="costs">Measured costs.</param>
/// <param name="maxDepth">Most tokens ahead.</param>
internal sealed class DraftDepths(PipelineCosts costs, int maxDepth)
{
    /// <summary>
    /// Acceptance that a head is taken to have before it has shown its own, and gain below which it does not get the chance
    /// while other sessions' tokens keep stages busy.
    /// </summary>
    private const double UsualAcceptance = 0.8;
    private const double WorthTrying = 1.25;

    /// <summary>Gain that is not lost in what the costs leave out.</summary>
    private const double Margin = 1.02;

    /// <summary>Acceptances are told apart by this much.</summary>
    private const int Classes = 32;

    private readonly Dictionary<
        (int Sessions, int MicroBatches, int Width, int Class),
        (int Depth, double Gain)
    > _known = [];

    /// <summary>True where the exit head is worth its time at an acceptance as heads usually have.</summary>
    public bool Pay(int sessions, int microBatches, int width) =>
        Best(UsualAcceptance, sessions, microBatches, width).Gain >= (sessions == 1 ? Margin : WorthTrying);

    /// <summary>Tokens ahead that bring most, at least 1.</summary>
    /// <param name="acceptance">The session's own.</param>
    public int DepthAt(double acceptance, int sessions, int microBatches, int width) =>
        Best(acceptance, sessions, microBatches, width).Depth;

    /// <summary>Acceptance below which drafts make decoding slower; 1 where they always do.</summary>
    public double BreakEven(int sessions, int microBatches, int width)
    {
        for (var step = 0; step < Classes; step++)
        {
            var acceptance = (double)step / Classes;
            if (Best(acceptance, sessions, microBatches, width).Gain >= Margin)
            {
                return acceptance;
            }
        }

        return 1;
    }

    /// <summary>
    /// True where the mere upkeep of the exit head's caches makes decoding without drafts slower, so that a session that will
    /// not draft is better off without it.
    /// </summary>
    public bool UpkeepCosts(int sessions, int microBatches)
    {
        var rows = (sessions + microBatches - 1) / microBatches;
        return costs.CycleMs(rows, draftRows: 0, depth: 1) > 1.01 * costs.CycleMs(rows, 0, depth: 0);
    }

    /// <summary>The depth of most tokens in a time, and these over plain decoding's.</summary>
    private (int Depth, double Gain) Best(double acceptance, int sessions, int microBatches, int width)
    {
        var key = (sessions, microBatches, width, (int)Math.Round(acceptance * Classes));
        if (_known.TryGetValue(key, out var best))
        {
            return best;
        }

        var rate = (double)key.Item4 / Classes;
        var plain = costs.TokensPerMs(rate, sessions, microBatches, depth: 0, width);
        best = (1, 0);
        for (var depth = 1; depth <= maxDepth; depth++)
        {
            var gain = costs.TokensPerMs(rate, sessions, microBatches, depth, width) / plain;
            best = gain > best.Gain ? (depth, gain) : best;
        }

        _known.Add(key, best);
        return best;
    }
}
