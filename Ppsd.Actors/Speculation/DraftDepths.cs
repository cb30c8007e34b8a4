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

    /// <summary>
    /// The same where sessions share the micro-batches of several stages: the costs take all sessions to draft, and the head of one
    /// that drafts alone delays all.
    /// </summary>
    private const double MarginOfMany = 1.15;

    /// <summary>A head catches up where that is likely to save this many times what it takes.</summary>
    private const double WorthWaking = 1.5;

    /// <summary>A text that has just begun is taken to have this many tokens before it.</summary>
    private const int FewTokens = 16;

    /// <summary>Acceptances are told apart by this much.</summary>
    private const int Classes = 32;

    private readonly Dictionary<(int Sessions, int MicroBatches, int Width), Load> _loads = [];
    private Load? _last;

    /// <summary>True where drafts are worth their time at an acceptance as they usually have.</summary>
    public bool Pay(int sessions, int microBatches, int width) => Of(sessions, microBatches, width).Pays;

    /// <summary>Tokens ahead that bring most, at least 1.</summary>
    /// <param name="acceptance">The session's own.</param>
    public int DepthAt(double acceptance, int sessions, int microBatches, int width) =>
        Of(sessions, microBatches, width).Best(acceptance).Depth;

    /// <summary>Acceptance below which drafts make decoding slower; 1 where they always do.</summary>
    public double BreakEven(int sessions, int microBatches, int width) => Of(sessions, microBatches, width).BreakEven;

    /// <summary>
    /// True where the mere upkeep of the exit head's caches makes decoding without drafts slower, so that a session that will
    /// not draft is better off without it.
    /// </summary>
    public bool UpkeepCosts(int sessions, int microBatches, int width) => Of(sessions, microBatches, width).UpkeepCosts;

    /// <summary>True where what a session saves with a head that has slept is worth the time in which it catches up, for which all wait.</summary>
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
        var gain = Of(sessions, microBatches, width).Best(acceptance).Gain;
        if (gain < Margin)
        {
            return false;
        }

        var plainMs = sessions / costs.TokensPerMs(acceptance, sessions, microBatches, depth: 0, width);
        var savedMs = (plainMs - plainMs / gain) * Math.Min(Math.Max(FewTokens, generated), most);
        return savedMs > WorthWaking * sessions * costs.CatchUpMs(missed, chunk);
    }

    /// <summary>What is known of a load. It is asked for in every cycle, and seldom another than the last time.</summary>
    private Load Of(int sessions, int microBatches, int width)
    {
        if (_last is { } last && last.IsOf(sessions, microBatches, width))
        {
            return last;
        }

        var key = (sessions, microBatches, width);
        if (!_loads.TryGetValue(key, out _last))
        {
            _loads.Add(key, _last = new Load(costs, maxDepth, sessions, microBatches, width));
        }

        return _last;
    }

    /// <summary>What drafts bring to a number of sessions.</summary>
    private sealed class Load
    {
        private readonly int _sessions;
        private readonly int _microBatches;
        private readonly int _width;

        /// <summary>Depth of most tokens in a time, and these over plain decoding's, by class of acceptance.</summary>
        private readonly (int Depth, double Gain)[] _best = new (int, double)[Classes + 1];

        public Load(PipelineCosts costs, int maxDepth, int sessions, int microBatches, int width)
        {
            (_sessions, _microBatches, _width) = (sessions, microBatches, width);
            for (var rank = 0; rank < _best.Length; rank++)
            {
                _best[rank] = BestAt((double)rank / Classes, costs, maxDepth);
            }

            Pays = Best(UsualAcceptance).Gain >= (sessions == 1 ? Margin : WorthTrying);
            var sharesHead = sessions > 1 && costs.Stages.Count > 1 && costs.HeadStage >= 0;
            var margin = sharesHead ? MarginOfMany : Margin;
            var first = Array.FindIndex(_best, 0, Classes, best => best.Gain >= margin);
            BreakEven = first < 0 ? 1 : (double)first / Classes;
            UpkeepCosts = TokenMs(costs, depth: 1) > 1.01 * TokenMs(costs, depth: 0);
        }

        /// <summary>See <see cref="Pay"/>.</summary>
        public bool Pays { get; }

        /// <summary>See <see cref="DraftDepths.BreakEven"/>.</summary>
        public double BreakEven { get; }

        /// <summary>See <see cref="DraftDepths.UpkeepCosts"/>.</summary>
        public bool UpkeepCosts { get; }

        public bool IsOf(int sessions, int microBatches, int width) =>
            sessions == _sessions && microBatches == _microBatches && width == _width;

        /// <summary>The depth that brings most, and its gain.</summary>
        public (int Depth, double Gain) Best(double acceptance) => _best[(int)Math.Round(acceptance * Classes)];

        private (int Depth, double Gain) BestAt(double rate, PipelineCosts costs, int maxDepth)
        {
            var plain = costs.TokensPerMs(rate, _sessions, _microBatches, depth: 0, _width);
            var best = (Depth: 1, Gain: 0.0);
            for (var depth = 1; depth <= maxDepth; depth++)
            {
                var gain = costs.TokensPerMs(rate, _sessions, _microBatches, depth, _width) / plain;
                best = gain > best.Gain ? (depth, gain) : best;
            }

            return best;
        }

        private double TokenMs(PipelineCosts costs, int depth)
        {
            var rows = (_sessions + _microBatches - 1) / _microBatches;
            var groups = (_sessions + rows - 1) / rows;
            return Math.Max(
                groups * costs.CycleMs(rows, draftRows: 0, depth),
                costs.ThroughMs(rows, draftRows: 0, depth)
            );
        }
    }
}
