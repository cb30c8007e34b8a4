namespace Ppsd.Actors.Speculation;

/// <summary>
/// How far a source drafts ahead and whether it does at all, chosen by what its steps and rows cost the pipeline. Pure; one owner.
/// </summary>
/// <param name="costs">Measured costs; without a stage of the exit head for a source that needs none.</param>
/// <param name="maxDepth">Most tokens ahead.</param>
internal sealed class DraftDepths(PipelineCosts costs, int maxDepth)
{
    /// <summary>
    /// Acceptance that a source is taken to have before it has shown its own, and gain below which it does not get the chance
    /// while other sessions' tokens keep stages busy.
    /// </summary>
    private const double UsualAcceptance = 0.8;
    private const double WorthTrying = 1.25;

    /// <summary>Gain that is not lost in what the costs leave out.</summary>
    private const double Margin = 1.02;

    /// <summary>A head catches up where that is likely to save this many times what it takes.</summary>
    private const double WorthWaking = 1.5;

    /// <summary>A text that has just begun is taken to have this many tokens before it.</summary>
    private const int FewTokens = 16;

    /// <summary>Acceptances are told apart by this much.</summary>
    private const int Classes = 32;

    private readonly Dictionary<
        (int Sessions, int MicroBatches, int Width, int Class),
        (int Depth, double Gain)
    > _known = [];

    /// <summary>True where drafts are worth their time at an acceptance as they usually have.</summary>
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
        var groups = (sessions + rows - 1) / rows;
        return TokenMs(depth: 1) > 1.01 * TokenMs(depth: 0);

        double TokenMs(int depth) =>
            Math.Max(groups * costs.CycleMs(rows, draftRows: 0, depth), costs.ThroughMs(rows, draftRows: 0, depth));
    }

    /// <summary>True where a head that has slept is worth the time in which it catches up.</summary>
    /// <param name="acceptance">The session's own.</param>
    /// <param name="missed">Tokens that its caches lack.</param>
    /// <param name="chunk">Most of them in a step.</param>
    /// <param name="generated">Tokens of the text so far: it is taken to go on for as many.</param>
    /// <param name="most">Most tokens that it can go on for.</param>
    public bool IsWorthWaking(
        double acceptance,
        int sessions,
        int microBatches,
        int width,
        int missed,
        int chunk,
        int generated,
        int most
    )
    {
        var gain = Best(acceptance, sessions, microBatches, width).Gain;
        if (gain < Margin)
        {
            return false;
        }

        var plainMs = sessions / costs.TokensPerMs(acceptance, sessions, microBatches, depth: 0, width);
        var savedMs = (plainMs - plainMs / gain) * Math.Min(Math.Max(FewTokens, generated), most);
        return savedMs > WorthWaking * costs.CatchUpMs(missed, chunk);
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
