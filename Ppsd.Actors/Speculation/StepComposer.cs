using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// Decides what enters stage 1 in a cycle, from all sessions: verified tokens first, several sessions' together; drafts
/// only where the pipeline would otherwise idle, those likeliest to survive first; chunks of prompts in between, so that
/// neither starves the other. Pure; the draft stage's thread owns it.
/// </summary>
/// <remarks>
/// Verified tokens that entered together come back together. A micro-batch therefore takes only its share of the
/// sessions, so that as many groups circulate as stages can work at once and no stage idles.
/// </remarks>
/// <param name="limits">Limits of the pipeline.</param>
internal sealed class StepComposer(StepLimits limits)
{
    private readonly List<DecodeSession> _sessions = [];
    private readonly List<DecodeSession> _drafting = [];
    private readonly List<DecodeSession> _taken = [];
    private readonly List<BatchPart> _parts = [];
    private readonly List<BatchPart> _draftingParts = [];
    private int _rows;
    private bool _lastWasPrompt;

    /// <summary>
    /// True while sessions may draft: with as many sessions as stages, drafts would only delay verified tokens.
    /// </summary>
    public bool MayDraft => _sessions.Count == 1 || _sessions.Count < limits.ParallelStages;

    /// <summary>Adds a session, last in turn.</summary>
    public void Add(DecodeSession session) => _sessions.Add(session);

    /// <summary>Removes a session.</summary>
    public void Remove(DecodeSession session) => _sessions.Remove(session);

    /// <summary>Parts of the next micro-batch, those that draft last; null when there is no work.</summary>
    public BatchPart[]? Next()
    {
        var prompt = _sessions.Find(session => session.IsPrefilling);
        var hasVerified = _sessions.Exists(session => session.HasVerifiedToken);
        _lastWasPrompt = prompt is not null && (!hasVerified || !_lastWasPrompt);
        if (_lastWasPrompt)
        {
            return [prompt!.NextPart(limits.MaxRows, MayDraft)];
        }

        _rows = 0;
        _taken.Clear();
        if (hasVerified)
        {
            TakeVerified();
        }

        if (_sessions.Count > 0 && MayDraft)
        {
            TakeDrafts();
        }

        return Parts();
    }

    private void TakeVerified()
    {
        var share = (_sessions.Count + limits.ParallelStages - 1) / limits.ParallelStages;
        var room = Math.Min(share, limits.MaxRows);
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
        var partsAhead = Math.Max(1, limits.Window / _sessions.Count);
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
        _rows == 0 || chance * (1 + limits.RowCost * (_rows - 1)) > limits.RowCost * expected;

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
