using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// What a session wants of its exit head, and the chunks in which known tokens enter, the head's caches too: a prompt's, and
/// those that go on behind what stages keep from an earlier pipeline.
/// </summary>
internal sealed partial class DecodeSession
{
    private int _kept;
    private int _replayed;
    private int[] _lacking = [];

    /// <summary>
    /// The verified token that waits to enter with no draft of the exit head behind it; null for none, and where the session
    /// does not want any.
    /// </summary>
    public WaitingToken? BareToken =>
        HasVerifiedToken && WantsDrafts(mayDraft: true) && _limits.MaxWidth > 1 && _pool.LacksHeadDrafts
            ? new WaitingToken(_base.Head, Head!.Token, _part.Depth)
            : null;

    /// <summary>Verified path up to which the exit head's caches are complete; null while it is awake.</summary>
    private VerifiedPath? _sleptFrom;

    /// <summary>
    /// Tokens that an exit head which sleeps would have to catch up with, the one that waits to enter among them; 0 while it is
    /// awake, and at moments when catching up would waste what is in flight.
    /// </summary>
    public int MissedByHead => _sleptFrom is { } path && HasVerifiedToken ? _tokens.Count - path.Length : 0;

    /// <summary>Sets how far its exit head drafts from the next part on.</summary>
    /// <param name="depth">Tokens ahead.</param>
    public void ChooseDepth(int depth) => _part.Depth = depth;

    /// <summary>Spares the exit head's upkeep from the next part on: its caches miss the tokens that enter meanwhile.</summary>
    public void PutHeadToSleep()
    {
        // Tokens that enter once more do so for the head.
        if (_sleptFrom is null && !(IsPrefilling && GeneratedCount > 0))
        {
            _sleptFrom = _base;
            _part.SkipsHead = true;
        }
    }

    /// <summary>
    /// Has the exit head catch up: the tokens it missed enter once more, in chunks as a prompt's do, as a new run from the last
    /// token that its caches hold. All stages compute what they had, in the same bits. Call only where
    /// <see cref="MissedByHead"/> says that there are any.
    /// </summary>
    public void WakeHead()
    {
        Run = Run.Next;
        _base = _sleptFrom!.Value;
        _sleptFrom = null;
        _part.SkipsHead = false;
        (_prefillStart, _prefilled, _prefillEnd) = (_base.Length, _base.Length, _tokens.Count);
        _pool.Tree.Clear();
    }

    /// <summary>Takes a chain's drafts behind the verified token that waits to enter.</summary>
    /// <param name="drafts">Drafts of the candidate before it, from step 1 on.</param>
    public void AddDraftsBehind(ReadOnlySpan<DraftedToken> drafts)
    {
        if (HasVerifiedToken)
        {
            _pool.AddBehindRoot(drafts);
        }
    }

    private bool WantsDrafts(bool mayDraft) => mayDraft && _sources.HeadDrafts && !_part.SkipsHead;

    /// <summary>The next chunk of the prompt, or of tokens that enter once more. Call only while the session is prefilling.</summary>
    /// <param name="maxTokens">Most tokens of it, at least one.</param>
    /// <param name="mayDraft">True when the part may be drafted from.</param>
    public BatchPart NextPromptChunk(int maxTokens, bool mayDraft)
    {
        if (_replayed < _kept)
        {
            return NextReplay(maxTokens);
        }

        var start = _prefilled;
        var count = Math.Min(Math.Min(_limits.PrefillChunk, maxTokens), _prefillEnd - start);
        var candidates = new CandidateId[count];
        var tokens = new TokenId[count];
        var parents = new CandidateId[count];
        for (var i = 0; i < count; i++)
        {
            candidates[i] = _nextId.Plus(i);
            tokens[i] = _tokens[start + i];
            parents[i] = start + i == _prefillStart ? _base.Head : _nextId.Plus(i - 1);
            if (_pool.TextLength == start + i)
            {
                _pool.Read(tokens[i]);
            }
        }

        _nextId = _nextId.Plus(count);
        _prefilled += count;
        var isLast = _prefilled == _prefillEnd;
        if (isLast)
        {
            _pool.Tree.Enter(_pool.Tree.Plant(tokens[^1], _prefillEnd - 1), candidates[^1], _nextPart, Step);
            _pool.ProposeNGrams(Head!);
        }

        _nextPart++;
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
            Settings = start == 0 || IsFirstBehindKept(start) ? _settings : null,
            Lacking = IsFirstBehindKept(start) ? _lacking : null,
            IsDrafting = WantsDrafts(mayDraft),
            Depth = _part.Depth,
            SkipsHead = _part.SkipsHead,
        };
    }

    /// <summary>
    /// Goes on behind the tokens that stages keep, which are candidates 0 and following; the stages that lack them get them again.
    /// Call before anything has entered.
    /// </summary>
    /// <param name="plan">With a length of at least one and less than the text's.</param>
    /// <param name="reservedLength">Tokens each stage reserves memory for.</param>
    public void GoOnBehind(ResumePlan plan, int reservedLength)
    {
        _settings = _settings with { ReservedLength = reservedLength };
        _kept = plan.Length;
        _lacking = plan.Lacking;

        // The first stage is fed by tokens, which are here; others by the stage before them.
        _replayed = plan.Lacking.Contains(0) ? 0 : plan.Length;
        _base = PathOf(plan.Length);
        _nextId = new CandidateId(plan.Length);
        (_prefillStart, _prefilled) = (plan.Length, plan.Length);
        foreach (var token in _tokens.Take(plan.Length))
        {
            _pool.Read(token);
        }

        if (plan.HeadLength < plan.Length)
        {
            _sleptFrom = PathOf(plan.HeadLength);
            _part.SkipsHead = true;
        }
    }

    /// <summary>
    /// Something of what was kept or sent again is lost: all stages compute the whole text. Does nothing once a verdict has come,
    /// for then every stage holds it.
    /// </summary>
    private void ForgetKept()
    {
        if (_kept == 0 || _base.Length > _kept)
        {
            return;
        }

        _kept = 0;
        _replayed = 0;
        _base = VerifiedPath.Empty;
        (_prefillStart, _prefillEnd) = (0, _tokens.Count);
        _sleptFrom = _sleptFrom is null ? null : VerifiedPath.Empty;
    }

    /// <summary>The next of the tokens that the first stage lacks.</summary>
    private BatchPart NextReplay(int maxTokens)
    {
        var count = Math.Min(Math.Min(_limits.PrefillChunk, maxTokens), _kept - _replayed);
        var part = ReplayParts.Part(
            Id,
            Run,
            _lacking,
            _replayed,
            [.. _tokens.Skip(_replayed).Take(count)],
            _replayed == 0 ? _settings : null
        );
        _replayed += count;
        _nextPart++;
        return part;
    }

    private bool IsFirstBehindKept(int start) => _kept > 0 && start == _kept && _base.Length == _kept && Run.Value == 0;

    private static VerifiedPath PathOf(int length) => new(new CandidateId(length - 1), length);
}
