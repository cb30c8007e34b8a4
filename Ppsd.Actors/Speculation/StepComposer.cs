using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// Decides what enters stage 1 in a cycle, from all sessions: verified tokens first, several sessions' together; drafts
/// only where the pipeline would otherwise idle, those likeliest to survive first; chunks of prompts beside verified tokens,
/// as long as they do not keep these waiting, or in turn with them. Neither starves the other. Pure; the draft stage's thread owns it.
/// </summary>
/// <remarks>
/// Verified tokens that entered together come back together. A micro-batch therefore takes only its share of the
/// sessions, so that as many groups circulate as stages can work at once and no stage idles.
/// </remarks>
/// <remarks>
/// Where costs were measured, drafts enter beside verified tokens too if they bring more tokens in a time, exit heads draft
/// as far ahead as pays, and sessions whose drafts will not pay are spared the upkeep of their head.
/// </remarks>
/// <param name="limits">Limits of the pipeline.</param>
internal sealed class StepComposer(StepLimits limits)
{
    private const double MostBreakEven = 0.6;

    private readonly List<DecodeSession> _sessions = [];
    private readonly List<DecodeSession> _drafting = [];
    private readonly List<DecodeSession> _taken = [];
    private readonly List<BatchPart> _parts = [];
    private readonly List<BatchPart> _draftingParts = [];
    private readonly HashSet<long> _inFlight = [];
    private long _step;
    private int _rows;
    private bool _lastWasPrompt;

    /// <summary>Micro-batches that fill the pipeline: as many as stages that work at once, and more over slow links.</summary>
    public int MicroBatches { get; set; } = limits.ParallelStages;

    /// <summary>True while exit heads may draft.</summary>
    public bool MayDraft => MayDraftBy(limits.Depths);

    /// <summary>True while n-grams may.</summary>
    private bool MayDraftFromText => MayDraftBy(limits.TextDepths);

    private bool HasRoom => _sessions.Count < MicroBatches;

    /// <summary>Sessions of a micro-batch when as many go round as fill the pipeline.</summary>
    private int Share => (_sessions.Count + MicroBatches - 1) / MicroBatches;

    /// <summary>The widest session's candidates.</summary>
    private int Width => _sessions.Max(session => session.MaxWidth);

    /// <summary>Adds a session, last in turn.</summary>
    public void Add(DecodeSession session) => _sessions.Add(session);

    /// <summary>Removes a session.</summary>
    public void Remove(DecodeSession session) => _sessions.Remove(session);

    /// <summary>Parts of the next micro-batch, those that draft last; null when there is no work.</summary>
    public BatchPart[]? Next()
    {
        ChooseDepths();
        var prompt = _sessions.Find(session => session.IsPrefilling);
        var hasVerified = _sessions.Exists(session => session.HasVerifiedToken);
        _step++;
        foreach (var session in _sessions)
        {
            session.Step = _step;
        }

        if (prompt is not null && hasVerified && limits.SharedRows > 1)
        {
            return Shared(prompt);
        }

        var waits = hasVerified && WaitsForMore();
        _lastWasPrompt = prompt is not null && (!hasVerified || waits || !_lastWasPrompt);
        if (_lastWasPrompt)
        {
            return [prompt!.NextPart(limits.MaxRows, MayDraft)];
        }

        if (waits)
        {
            return null;
        }

        _rows = 0;
        _taken.Clear();
        if (hasVerified)
        {
            TakeVerified(limits.MaxRows);
        }

        if (_sessions.Count > 0)
        {
            TakeDrafts();
        }

        return Parts();
    }

    /// <summary>A chunk of a prompt and verified tokens of others. The chunk leads: of its rows only a prompt's last needs a head.</summary>
    private BatchPart[] Shared(DecodeSession prompt)
    {
        _rows = 0;
        _taken.Clear();
        TakeVerified(Math.Min(limits.MaxRows, limits.SharedRows) - 1);
        var chunk = prompt.NextPromptChunk(limits.PromptRowsBeside(_rows), MayDraft);
        return [chunk, .. Parts() ?? []];
    }

    /// <summary>
    /// True when the verified tokens that wait are fewer than a micro-batch's share while as many micro-batches go round as fill
    /// the pipeline. One more would only wait at the next stage; those that come back make this one wider.
    /// </summary>
    private bool WaitsForMore()
    {
        _inFlight.Clear();
        var waiting = 0;
        foreach (var session in _sessions)
        {
            if (session.HeadStep is { } step)
            {
                _inFlight.Add(step);
            }
            else if (session.HasVerifiedToken)
            {
                waiting++;
            }
        }

        return _inFlight.Count >= MicroBatches && waiting < Math.Min(Share, limits.MaxRows);
    }

    private void TakeVerified(int maxRows)
    {
        var room = Math.Min(Share, maxRows);
        for (var i = 0; i < _sessions.Count && room > 0; )
        {
            if (!_sessions[i].HasVerifiedToken)
            {
                i++;
                continue;
            }

            // Served sessions move to the end so that all take turns; the index now holds the next one.
            var session = _sessions[i];
            session.TakeVerifiedToken();
            _taken.Add(session);
            _rows++;
            room--;
            _sessions.RemoveAt(i);
            _sessions.Add(session);
        }
    }

    /// <summary>The drafts likeliest to survive, of all sessions.</summary>
    private void TakeDrafts()
    {
        var window = Math.Max(limits.Window, MicroBatches + 1);

        // Sessions that keep all processors busy leave no idle time to a draft without a verified token.
        var partsAhead =
            HasRoom ? Math.Max(1, window / _sessions.Count)
            : limits.SharesProcessors ? 0
            : window / _sessions.Count;
        _drafting.Clear();
        foreach (var session in _sessions)
        {
            if (session.HasDraftWork && session.PartsAhead <= partsAhead)
            {
                session.RankDrafts();
                _drafting.Add(session);
            }
        }

        var expected = (double)_rows;
        for (; _rows < limits.MaxRows && Likeliest() is { } session && Pays(session.NextDraftChance, expected); _rows++)
        {
            expected += session.NextDraftChance;
            session.TakeDraft();
            if (!_taken.Contains(session))
            {
                _taken.Add(session);
            }
        }
    }

    /// <summary>
    /// True when one more row brings more tokens in a time than the step brings without it. The first row always does: the
    /// stage would be idle.
    /// </summary>
    /// <param name="chance">That the row survives.</param>
    /// <param name="expected">Rows of the step that are expected to survive.</param>
    private bool Pays(double chance, double expected) =>
        _rows == 0 || chance * limits.TimeOf(_rows) > limits.CostOfRowAfter(_rows) * expected;

    /// <summary>
    /// One session alone may always draft on several stages, which would idle; with as many as fill the pipeline drafts only
    /// delay verified tokens, unless rows are known to be cheap.
    /// </summary>
    /// <param name="depths">What is known of the source's costs.</param>
    private bool MayDraftBy(DraftDepths? depths) =>
        _sessions.Count switch
        {
            0 => true,
            1 when limits.ParallelStages > 1 || depths is null => true,
            var count => depths?.Pay(count, MicroBatches, Width) ?? HasRoom,
        };

    /// <summary>
    /// Tells sessions below which acceptance they rest; those with an exit head, how far it drafts and whether it sleeps.
    /// </summary>
    private void ChooseDepths()
    {
        var count = _sessions.Count;
        if (count == 0)
        {
            return;
        }

        var (mayHead, mayText) = (MayDraft, MayDraftFromText);
        foreach (var session in _sessions)
        {
            session.Sources.IsShared = count > 1;
            (session.Sources.MayHead, session.Sources.MayText) = (mayHead, mayText);
            session.Sources.SetBreakEvenOfHead(BreakEvenOf(session, limits.Depths));
            session.Sources.SetBreakEvenOfText(BreakEvenOf(session, limits.TextDepths));
        }

        if (limits.Depths is { } head)
        {
            ChooseDepths(head, head.UpkeepCosts(count, MicroBatches, Width));
        }
    }

    /// <param name="depths">What drafts of the exit head bring.</param>
    /// <param name="upkeepCosts">True where heads that do not draft sleep.</param>
    private void ChooseDepths(DraftDepths depths, bool upkeepCosts)
    {
        var count = _sessions.Count;
        foreach (var session in _sessions)
        {
            if (!session.HasExitHead)
            {
                continue;
            }

            session.ChooseDepth(depths.DepthAt(session.Acceptance, count, MicroBatches, session.MaxWidth));
            if (!session.Sources.HeadDrafts)
            {
                if (upkeepCosts)
                {
                    session.PutHeadToSleep();
                }
            }
            else if (session.MissedByHead is > 0 and var missed && MayWake(depths, session, missed))
            {
                session.WakeHead();
            }
        }
    }

    private bool MayWake(DraftDepths depths, DecodeSession session, int missed) =>
        depths.IsWorthWaking(
            session.Sources.SureAcceptance,
            _sessions.Count,
            MicroBatches,
            session.MaxWidth,
            missed,
            session.PrefillChunk,
            session.GeneratedCount,
            session.TokensLeft
        );

    /// <summary>
    /// Acceptance below which a session rests. What one session drafts alone fills idle time: costs are only measured, and do
    /// not silence a fair source.
    /// </summary>
    private double BreakEvenOf(DecodeSession session, DraftDepths? depths) =>
        Math.Min(
            depths?.BreakEven(_sessions.Count, MicroBatches, session.MaxWidth) ?? 0,
            _sessions.Count == 1 ? MostBreakEven : 1
        );

    private DecodeSession? Likeliest()
    {
        DecodeSession? likeliest = null;
        var chance = 0.0;
        foreach (var session in _drafting)
        {
            if (session.NextDraftChance > chance)
            {
                (likeliest, chance) = (session, session.NextDraftChance);
            }
        }

        return likeliest;
    }

    private BatchPart[]? Parts()
    {
        _parts.Clear();
        _draftingParts.Clear();
        foreach (var session in _taken)
        {
            if (session.EndPart(MayDraft) is { } part)
            {
                (part.IsDrafting ? _draftingParts : _parts).Add(part);
            }
        }

        return _parts.Count + _draftingParts.Count == 0 ? null : [.. _parts, .. _draftingParts];
    }
}
