using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// The decode of one session: what of it enters stage 1 next, what a draft adds, and what a verdict confirms or
/// kills. This class is PPSD. Pure: no actors, no devices, no clock; the draft stage's thread owns it.
/// </summary>
/// <remarks>
/// Three marks move along the sequence. The <b>base</b> is the last candidate whose verdict has arrived: every stage
/// holds its keys and values. The <b>head</b> is the candidate the next verdict must be about: it carries the last
/// verified token. Behind the head lies the tree of drafts in flight. A verdict moves the base to the head; if one of
/// the head's children carries the verdict's token, that child was right and becomes the head, and nothing had to wait;
/// if none does, the verdict's token itself enters, as the first candidate of a new run.
/// <para>
/// The text is the target's own: every emitted token is a verdict's token, and verdicts depend only on the tokens before
/// them. Drafts decide when a verdict is computed, never what it says. Autoregressive decoding is this class without
/// calls of <see cref="AddDrafts"/>.
/// </para>
/// </remarks>
internal sealed class DecodeSession
{
    private readonly SessionSettings _settings;
    private readonly GenerationLimits _generation;
    private readonly SpeculationLimits _limits;
    private readonly CandidateTree _tree = new();
    private readonly List<DraftedToken> _waitingDrafts = [];
    private readonly List<TokenId> _tokens;
    private readonly int _promptLength;
    private readonly VerdictOutcome _outcome = new();
    private readonly DraftPolicy _policy;
    private VerifiedPath _base = VerifiedPath.Empty;
    private CandidateId? _head;
    private TokenId? _waitingToken;
    private CandidateId _nextId = new(0);
    private int _prefilled;

    public DecodeSession(
        SessionId id,
        IReadOnlyList<TokenId> prompt,
        SessionSettings settings,
        GenerationLimits generation,
        SpeculationLimits limits
    )
    {
        Id = id;
        _settings = settings;
        _generation = generation;
        _limits = limits;
        _policy = new DraftPolicy(limits.MinAcceptance);
        _promptLength = prompt.Count;
        _tokens = [.. prompt];
    }

    public SessionId Id { get; }

    /// <summary>The living run.</summary>
    public RunId Run { get; private set; }

    /// <summary>True after the last token.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>What became of its drafts and runs.</summary>
    public DraftTally Tally { get; } = new();

    /// <summary>Tokens generated so far.</summary>
    public int GeneratedCount => _tokens.Count - _promptLength;

    /// <summary>Prompt and generated tokens.</summary>
    public IReadOnlyList<TokenId> Tokens => _tokens;

    /// <summary>True while prompt tokens have yet to enter.</summary>
    public bool IsPrefilling => _prefilled < _promptLength && _base.Length == 0;

    /// <summary>True when a verified token waits to enter: such work goes before anybody's drafts.</summary>
    public bool HasVerifiedToken => !IsFinished && !IsPrefilling && _waitingToken is not null;

    /// <summary>True when drafts wait to enter and the window has room for them.</summary>
    public bool HasDraftWork =>
        !IsFinished && !IsPrefilling && _waitingToken is null && _waitingDrafts.Count > 0 && Depth <= _limits.Window;

    /// <summary>
    /// True once something of it has entered, so that silence means a loss: of its work, or of the credits that would let its
    /// next token in.
    /// </summary>
    public bool HasEntered => !IsFinished && _nextId.Value > 0;

    /// <summary>How likely the drafts that wait are to be judged and confirmed, from 0 to 1.</summary>
    public double DraftsChance => Math.Pow(_policy.Acceptance, Depth);

    /// <summary>Positions between the last verified token and the drafts that would enter next.</summary>
    public int Depth => _waitingDrafts.Count == 0 ? 0 : DepthOf(_waitingDrafts[0].Origin) + 1;

    /// <summary>Drafts in flight on the most likely path, for display.</summary>
    public List<TokenId> LikelyDrafts()
    {
        var drafts = new List<TokenId>();
        for (var at = _head; at is { } parent; )
        {
            at = null;
            var best = float.NegativeInfinity;
            foreach (var node in _tree.Nodes)
            {
                if (node.Parent == parent && node.Score > best)
                {
                    (at, best) = (node.Id, node.Score);
                }
            }

            if (at is { } next)
            {
                drafts.Add(_tree.Find(next)!.Token);
            }
        }

        return drafts;
    }

    /// <summary>What enters now: a chunk of the prompt, the verified token that waits, or drafts. Call only when there is work.</summary>
    /// <param name="maxRows">Most drafts to take; a verified token is one row.</param>
    /// <param name="mayDraft">True when drafts are wanted after it.</param>
    public BatchPart NextPart(int maxRows, bool mayDraft)
    {
        var part =
            IsPrefilling ? NextPromptChunk()
            : _waitingToken is { } token ? VerifiedToken(token)
            : NextDrafts(maxRows);
        return mayDraft && _policy.IsDrafting && _settings.Mode == DecodeMode.Ppsd
            ? part with
            {
                IsDrafting = true,
            }
            : part;
    }

    /// <summary>
    /// Takes drafts for candidates in flight. Dropped are those whose parent died or is already answered, and those that the
    /// token limit leaves no use for: they would also lie beyond what the stages have room and positions for.
    /// </summary>
    public void AddDrafts(RunId run, ReadOnlySpan<DraftedToken> drafts)
    {
        if (run != Run || IsFinished)
        {
            return;
        }

        foreach (var draft in drafts)
        {
            if (_tree.Find(draft.Origin) is { } parent && IsOfUse(draft) && !IsKnown(draft))
            {
                _waitingDrafts.Add(draft with { LogProbability = parent.Score + draft.LogProbability });
            }
        }
    }

    /// <summary>Applies the target's tokens after candidates, which come in the order they entered.</summary>
    /// <returns>What to do; valid until the next call.</returns>
    public VerdictOutcome Apply(RunId run, ReadOnlySpan<CandidateId> candidates, ReadOnlySpan<TokenId> tokens)
    {
        _outcome.Clear();
        for (var i = 0; i < candidates.Length && run == Run && !IsFinished; i++)
        {
            if (candidates[i] == _head && tokens[i] == TokenId.None)
            {
                _outcome.HasNoToken = true;
                IsFinished = true;
            }
            else if (candidates[i] == _head)
            {
                _outcome.EmittedBy.Add(i);
                Judge(candidates[i], tokens[i]);
            }
            else if (_tree.Find(candidates[i]) is not null)
            {
                // Verdicts come in the order candidates entered, and all that live descend from the head: its own
                // verdict is missing.
                _outcome.HasGap = true;
                break;
            }
        }

        return _outcome;
    }

    /// <summary>
    /// True when verdicts that have not been applied yet will kill the run or end the text, so that work on it is wasted.
    /// </summary>
    public bool WillDie(RunId run, ReadOnlySpan<CandidateId> candidates, ReadOnlySpan<TokenId> tokens)
    {
        if (run != Run || _head is not { } head || candidates.IndexOf(head) is not (>= 0 and var index))
        {
            return false;
        }

        var token = tokens[index];
        return _generation.EndTokens.Contains(token)
            || GeneratedCount + 1 >= _generation.MaxTokens
            || (_tree.HasChildren(head) && _tree.FindChild(head, token) is null);
    }

    /// <summary>Starts a new run from the base, because something in flight was lost.</summary>
    public void Restart()
    {
        Tally.Restart();
        StartRun();
        if (_base.Length == 0)
        {
            _prefilled = 0;
            _waitingToken = null;
        }
        else
        {
            // Exactly one token is verified beyond the base: the one the base's verdict named.
            _waitingToken = _tokens[^1];
        }
    }

    /// <summary>Ends the session before its time.</summary>
    public void Finish() => IsFinished = true;

    /// <summary>The heart of PPSD: compares the target's token after the head with the drafts in flight after it.</summary>
    private void Judge(CandidateId head, TokenId token)
    {
        _base = new VerifiedPath(head, _tokens.Count);
        _tokens.Add(token);
        _outcome.Emitted.Add(token);
        _policy.NoteToken();

        var wasDrafted = _tree.HasChildren(head);
        var confirmed = _tree.FindChild(head, token);
        if (wasDrafted)
        {
            Tally.Judge(confirmed is not null);
            _policy.NoteDraft(confirmed is not null);
        }

        if (confirmed is not null)
        {
            _head = confirmed.Id;
            KillAllBut(confirmed.Id);
        }
        else if (wasDrafted)
        {
            Tally.Reject();
            _outcome.RunRejected = true;
            _outcome.DeadBranch.Clear();
            CountCancelled(judgedParent: head);
            StartRun();
            _waitingToken = token;
        }
        else
        {
            // Nothing follows the head yet: its successor enters in the same run, as it would without speculation.
            _tree.Clear();
            _waitingDrafts.Clear();
            _head = null;
            _waitingToken = token;
        }

        if (_generation.EndTokens.Contains(token))
        {
            End(FinishReason.Stop);
        }
        else if (GeneratedCount >= _generation.MaxTokens)
        {
            End(FinishReason.Length);
        }
    }

    private void KillAllBut(CandidateId survivor)
    {
        foreach (var dead in _tree.KeepOnly(survivor))
        {
            // The judged head leaves the tree too, but it is verified and not dead.
            if (dead != _base.Head)
            {
                _outcome.DeadBranch.Add(dead);
                Tally.Cancel(1);
            }
        }

        _waitingDrafts.RemoveAll(draft => _tree.Find(draft.Origin) is null);
    }

    private void CountCancelled(CandidateId judgedParent) =>
        Tally.Cancel(_tree.Nodes.Count(node => node.IsDraft && node.Parent != judgedParent));

    private void StartRun()
    {
        Run = Run.Next;
        _tree.Clear();
        _waitingDrafts.Clear();
        _head = null;
    }

    private void End(FinishReason reason)
    {
        _outcome.Finish = reason;
        CountCancelled(judgedParent: _base.Head);
        IsFinished = true;
    }

    private BatchPart NextPromptChunk()
    {
        var start = _prefilled;
        var count = Math.Min(_limits.PrefillChunk, _promptLength - start);
        var candidates = TakeIds(count);
        var tokens = new TokenId[count];
        var parents = new CandidateId[count];
        for (var i = 0; i < count; i++)
        {
            tokens[i] = _tokens[start + i];
            parents[i] = start + i == 0 ? CandidateId.Root : candidates[0].Plus(i - 1);
        }

        _prefilled += count;
        var isLast = _prefilled == _promptLength;
        if (isLast)
        {
            EnterVerified(candidates[^1], parents[^1], tokens[^1]);
        }

        return new BatchPart
        {
            Session = Id,
            Run = Run,
            Base = _base,
            Candidates = candidates,
            Tokens = tokens,
            Parents = parents,
            CertainCount = count,
            FirstHeadRow = isLast ? count - 1 : count,
            Settings = start == 0 ? _settings : null,
        };
    }

    private BatchPart VerifiedToken(TokenId token)
    {
        var candidates = TakeIds(1);
        _waitingToken = null;
        EnterVerified(candidates[0], _base.Head, token);
        return Candidates(candidates, [token], [_base.Head], certainCount: 1);
    }

    private BatchPart NextDrafts(int maxRows)
    {
        var width = Math.Min(Math.Min(_limits.MaxWidth, maxRows), _waitingDrafts.Count);
        if (width < _waitingDrafts.Count)
        {
            // Several proposals compete for the places: the likeliest paths win. Ties keep their order.
            var ranked = _waitingDrafts.OrderByDescending(draft => draft.LogProbability).ToList();
            _waitingDrafts.Clear();
            _waitingDrafts.AddRange(ranked);
        }

        var candidates = TakeIds(width);
        var tokens = new TokenId[width];
        var parents = new CandidateId[width];
        for (var i = 0; i < width; i++)
        {
            var draft = _waitingDrafts[i];
            tokens[i] = draft.Token;
            parents[i] = draft.Origin;
            _tree.Add(candidates[i], draft.Origin, draft.Token, draft.LogProbability, isDraft: true);
        }

        // What did not fit is not worth a later cycle: by then its position is behind the front of the pipeline.
        _waitingDrafts.Clear();
        return Candidates(candidates, tokens, parents, certainCount: 0);
    }

    private BatchPart Candidates(CandidateId[] candidates, TokenId[] tokens, CandidateId[] parents, int certainCount) =>
        new()
        {
            Session = Id,
            Run = Run,
            Base = _base,
            Candidates = candidates,
            Tokens = tokens,
            Parents = parents,
            CertainCount = certainCount,
            FirstHeadRow = 0,
        };

    private CandidateId[] TakeIds(int count)
    {
        var ids = new CandidateId[count];
        for (var i = 0; i < count; i++)
        {
            ids[i] = _nextId.Plus(i);
        }

        _nextId = _nextId.Plus(count);
        return ids;
    }

    private void EnterVerified(CandidateId id, CandidateId parent, TokenId token)
    {
        _tree.Add(id, parent, token, score: 0f, isDraft: false);
        _head = id;
    }

    /// <summary>True when the target's token after a draft could still be emitted.</summary>
    private bool IsOfUse(DraftedToken draft) => GeneratedCount + DepthOf(draft.Origin) + 1 < _generation.MaxTokens;

    private bool IsKnown(DraftedToken draft)
    {
        if (_tree.FindChild(draft.Origin, draft.Token) is not null)
        {
            return true;
        }

        foreach (var waiting in _waitingDrafts)
        {
            if (waiting.Origin == draft.Origin && waiting.Token == draft.Token)
            {
                return true;
            }
        }

        return false;
    }

    private int DepthOf(CandidateId id)
    {
        var depth = 0;
        for (var at = id; at != _head && _tree.Find(at) is { } node; at = node.Parent)
        {
            depth++;
        }

        return depth;
    }
}
