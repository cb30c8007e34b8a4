using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// The decode of one session: which tokens enter stage 1 next, what a draft adds, and what a verdict confirms or kills.
/// This class is the PPSD algorithm. Pure: no actors, no devices, no clock; the draft stage's thread owns it.
/// </summary>
/// <remarks>
/// Three marks move along the sequence. The <b>base</b> is the last candidate whose verdict has arrived: every stage
/// holds its keys and values. The <b>head</b> is the last verified token, the root of the tree: the next verdict must be
/// about it. Behind the head lie the candidates in flight and the proposals that wait. A verdict moves the base to the head;
/// if one of the head's children in flight carries the verdict's token, that child was right and becomes the head, and
/// nothing had to wait; if none does, the verdict's token itself enters, with what the pool has behind it, as the first
/// candidate of a new run.
/// <para>
/// The text is the target's own: every emitted token is a verdict's token, and verdicts depend only on the tokens before
/// them. Drafts decide when a verdict is computed, never what it says. Autoregressive decoding is this class without
/// proposals.
/// </para>
/// </remarks>
internal sealed partial class DecodeSession
{
    private SessionSettings _settings;
    private readonly GenerationLimits _generation;
    private readonly SpeculationLimits _limits;
    private readonly DraftPool _pool;
    private readonly List<TokenId> _tokens;
    private readonly int _promptLength;
    private readonly VerdictOutcome _outcome = new();
    private readonly SourcePolicies _sources;
    private readonly PartBuilder _part = new();
    private VerifiedPath _base = VerifiedPath.Empty;
    private CandidateId _nextId = new(0);
    private int _nextPart;
    private int _prefilled;
    private int _prefillStart;
    private int _prefillEnd;

    /// <param name="prompt">At least one token.</param>
    /// <param name="settings">Settings that every stage gets.</param>
    /// <param name="generation">Conditions that end it.</param>
    /// <param name="limits">Bounds on drafting.</param>
    /// <param name="calibration">Calibration of draft probabilities, shared with similar sessions.</param>
    public DecodeSession(
        SessionId id,
        IReadOnlyList<TokenId> prompt,
        SessionSettings settings,
        GenerationLimits generation,
        SpeculationLimits limits,
        DraftCalibration? calibration = null
    )
    {
        Id = id;
        _settings = settings;
        _generation = generation;
        _limits = limits;
        calibration ??= new DraftCalibration();
        _sources = new SourcePolicies(settings.Drafts, limits.MinAcceptance, calibration);
        _promptLength = prompt.Count;
        _prefillEnd = prompt.Count;
        _tokens = [.. prompt];
        _pool = new DraftPool(calibration, usesNGrams: HasNGrams, endPosition: prompt.Count + generation.MaxTokens - 1);
    }

    public SessionId Id { get; }

    /// <summary>The current run.</summary>
    public RunId Run { get; private set; }

    /// <summary>True after the last token.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Counts of its drafts and runs by outcome.</summary>
    public DraftTally Tally { get; } = new();

    /// <summary>Tokens generated so far.</summary>
    public int GeneratedCount => _tokens.Count - _promptLength;

    /// <summary>Prompt and generated tokens.</summary>
    public IReadOnlyList<TokenId> Tokens => _tokens;

    /// <summary>Most tokens that it may still generate.</summary>
    public int TokensLeft => _generation.MaxTokens - GeneratedCount;

    /// <summary>Most tokens of a chunk of its prompt.</summary>
    public int PrefillChunk => _limits.PrefillChunk;

    /// <summary>True while tokens of the prompt have yet to enter, or of the text once more.</summary>
    public bool IsPrefilling => _prefilled < _prefillEnd;

    /// <summary>True when a verified token waits to enter; it goes before drafts of any session.</summary>
    public bool HasVerifiedToken => !IsFinished && !IsPrefilling && Head is { Id: null };

    /// <summary>True when drafts wait to enter and the window has room for them.</summary>
    public bool HasDraftWork =>
        !IsFinished
        && _sources.Draft
        && Head is { Id: not null }
        && PartsAhead <= _limits.Window
        && _pool.Tree.WaitingDrafts > 0;

    /// <summary>
    /// True once any of its tokens has entered the pipeline; from then on, no progress means that a message was lost.
    /// </summary>
    public bool HasEntered => !IsFinished && _nextId.Value > 0;

    /// <summary>Number of parts between the head's part and the next one.</summary>
    public int PartsAhead => Head is { Id: not null } head ? _nextPart - head.Part : 0;

    /// <summary>Most candidates of a part.</summary>
    public int MaxWidth => Math.Max(1, _limits.MaxWidth);

    /// <summary>Share of its drafts confirmed lately.</summary>
    public double Acceptance => _sources.Acceptance;

    private TokenNode? Head => _pool.Tree.Root;

    /// <summary>True when the exit head drafts for it.</summary>
    public bool HasExitHead => (_settings.Drafts & DraftSources.ExitHead) != 0;

    /// <summary>True when its own text does.</summary>
    public bool HasNGrams => (_settings.Drafts & DraftSources.NGrams) != 0;

    /// <summary>Drafts in flight on the most likely path, for display.</summary>
    public List<PlacedDraft> LikelyDrafts() => _pool.LikelyDrafts();

    /// <summary>
    /// The next part: a chunk of the prompt, or the waiting verified token with drafts. Call only when there is work.
    /// </summary>
    /// <param name="maxRows">Most rows to take; a prompt chunk has its own limit.</param>
    /// <param name="mayDraft">True when the part may hold drafts and be drafted from.</param>
    public BatchPart NextPart(int maxRows, bool mayDraft)
    {
        if (IsPrefilling)
        {
            return NextPromptChunk(_limits.PrefillChunk, mayDraft);
        }

        if (HasVerifiedToken)
        {
            TakeVerifiedToken();
        }

        if (mayDraft)
        {
            RankDrafts();
            while (_part.Count < maxRows && RoomInPart > 0 && NextDraftChance > 0)
            {
                TakeDraft();
            }
        }

        return EndPart(mayDraft)!;
    }

    /// <summary>Takes an exit head's drafts for candidates in flight.</summary>
    public void AddDrafts(RunId run, ReadOnlySpan<DraftedToken> drafts)
    {
        if (run == Run && !IsFinished)
        {
            _pool.Add(drafts);
        }
    }

    /// <summary>Applies the target's tokens after candidates, which come in the order they entered.</summary>
    /// <returns>The consequences; valid until the next call.</returns>
    public VerdictOutcome Apply(RunId run, ReadOnlySpan<CandidateId> candidates, ReadOnlySpan<TokenId> tokens)
    {
        _outcome.Clear();
        for (var i = 0; i < candidates.Length && run == Run && !IsFinished; i++)
        {
            if (candidates[i] == Head?.Id && tokens[i] == TokenId.None)
            {
                _outcome.HasNoToken = true;
                IsFinished = true;
            }
            else if (candidates[i] == Head?.Id)
            {
                _outcome.EmittedBy.Add(i);
                Judge(candidates[i], tokens[i]);
            }
            else if (_pool.Tree.Find(candidates[i]) is not null)
            {
                // Verdicts come in the order candidates entered, and all live candidates descend from the head, so the
                // head's own verdict was lost.
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
        if (run != Run)
        {
            return false;
        }

        var node = Head;
        var generated = GeneratedCount;
        for (var i = 0; i < candidates.Length && node?.Id is not null; i++)
        {
            if (candidates[i] != node.Id)
            {
                continue;
            }

            if (_generation.EndTokens.Contains(tokens[i]) || ++generated >= _generation.MaxTokens)
            {
                return true;
            }

            var next = CandidateTree.FindChild(node, tokens[i]);
            if (next is not { Id: not null } && CandidateTree.HasCandidateBehind(node))
            {
                return true;
            }

            node = next;
        }

        return false;
    }

    /// <summary>Starts a new run from the base, because something in flight was lost. Its drafts are proposed again.</summary>
    public void Restart()
    {
        Tally.Restart();
        Run = Run.Next;
        if (_base.Length == _prefillStart)
        {
            // No verdict has come since these tokens entered.
            ForgetKept();
            _prefilled = _prefillStart;
            _pool.Tree.Clear();
        }
        else
        {
            _pool.Tree.Withdraw();
        }
    }

    /// <summary>Ends the session before its time.</summary>
    public void Finish() => IsFinished = true;

    /// <summary>The heart of PPSD: compares the target's token after the head with the drafts in flight after it.</summary>
    private void Judge(CandidateId judged, TokenId token)
    {
        var head = Head!;
        _base = new VerifiedPath(judged, _tokens.Count);
        _tokens.Add(token);
        _outcome.Emitted.Add(token);
        _sources.NoteToken();
        _pool.Learn(token);
        _pool.Read(token);

        var wasDrafted = CandidateTree.HasCandidateBehind(head);
        var next = CandidateTree.FindChild(head, token);
        var isConfirmed = next is { Id: not null };
        if (wasDrafted)
        {
            Tally.Judge(isConfirmed);
            for (var child = head.FirstChild; child is not null; child = child.NextSibling)
            {
                if (child.Id is not null)
                {
                    Tally.Judge(child.EntryClaim.Source, child.EntryClaim.Step, child == next);
                }
            }

            _sources.Note(head, isConfirmed ? next : null);
        }

        if (wasDrafted && !isConfirmed)
        {
            Reject(head, next, token);
        }
        else if (next is not null)
        {
            var dead = _outcome.DeadBranch.Count;
            MoveHead(next);
            Tally.Cancel(_outcome.DeadBranch.Count - dead);
        }
        else
        {
            // Nothing follows the head yet: its successor enters in the same run, as it would without speculation.
            Plant(token);
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

    /// <summary>The child with the target's token becomes the head; its siblings die.</summary>
    private void MoveHead(TokenNode next)
    {
        _pool.Tree.KeepOnly(next, _outcome.DeadBranch);

        // The judged head leaves the tree too, but it is verified and not dead.
        _outcome.DeadBranch.Remove(_base.Head);
        if (next.Id is null)
        {
            next.IsDraft = false;
            _pool.ProposeNGrams(next);
        }
    }

    /// <summary>
    /// Everything in flight is dead. The target's token starts a new run, with the proposals that follow it.
    /// </summary>
    private void Reject(TokenNode head, TokenNode? next, TokenId token)
    {
        Tally.Reject();
        Tally.Cancel(_pool.Tree.Candidates.Count(node => node != head && node.Parent != head));
        _outcome.RunRejected = true;
        _pool.Rank();
        _pool.KeepEcho();
        Run = Run.Next;
        if (next is null)
        {
            Plant(token);
        }
        else
        {
            MoveHead(next);
        }

        _outcome.DeadBranch.Clear();
        _pool.ProposeEcho();
    }

    private void Plant(TokenId token) => _pool.ProposeNGrams(_pool.Tree.Plant(token, _tokens.Count - 1));

    private void End(FinishReason reason)
    {
        _outcome.Finish = reason;
        Tally.Cancel(_pool.Tree.Candidates.Count(node => node != Head));
        IsFinished = true;
    }
}
