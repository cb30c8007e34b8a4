using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>What a session wants of its exit head, and the prompt's chunks, which enter the head's caches.</summary>
internal sealed partial class DecodeSession
{
    /// <summary>
    /// The verified token that waits to enter with no draft of the exit head behind it; null for none, and where the session
    /// does not want any.
    /// </summary>
    public WaitingToken? BareToken =>
        HasVerifiedToken && WantsDrafts(mayDraft: true) && _limits.MaxWidth > 1 && _pool.LacksHeadDrafts
            ? new WaitingToken(_base.Head, Head!.Token, _part.Depth)
            : null;

    /// <summary>Sets how its exit head is used from the next part on; one that sleeps has holes in its caches and stays asleep.</summary>
    /// <param name="depth">Tokens ahead.</param>
    /// <param name="breakEven">Acceptance below which it pauses.</param>
    /// <param name="sleeps">True to spare the head's upkeep.</param>
    public void ChooseDepth(int depth, double breakEven, bool sleeps)
    {
        if (HasExitHead)
        {
            _part.Depth = depth;
            _part.SkipsHead |= sleeps;
            _policy.SetBreakEven(breakEven);
        }
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

    private bool WantsDrafts(bool mayDraft) => mayDraft && _policy.IsDrafting && HasExitHead && !_part.SkipsHead;

    /// <summary>The next chunk of the prompt. Call only while the session is prefilling.</summary>
    /// <param name="maxTokens">Most tokens of it, at least one.</param>
    /// <param name="mayDraft">True when the part may be drafted from.</param>
    public BatchPart NextPromptChunk(int maxTokens, bool mayDraft)
    {
        var start = _prefilled;
        var count = Math.Min(Math.Min(_limits.PrefillChunk, maxTokens), _promptLength - start);
        var candidates = new CandidateId[count];
        var tokens = new TokenId[count];
        var parents = new CandidateId[count];
        for (var i = 0; i < count; i++)
        {
            candidates[i] = _nextId.Plus(i);
            tokens[i] = _tokens[start + i];
            parents[i] = start + i == 0 ? CandidateId.Root : _nextId.Plus(i - 1);
            if (_pool.TextLength == start + i)
            {
                _pool.Read(tokens[i]);
            }
        }

        _nextId = _nextId.Plus(count);
        _prefilled += count;
        var isLast = _prefilled == _promptLength;
        if (isLast)
        {
            _pool.Tree.Enter(_pool.Tree.Plant(tokens[^1], _promptLength - 1), candidates[^1], _nextPart);
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
            Settings = start == 0 ? _settings : null,
            IsDrafting = WantsDrafts(mayDraft),
            Depth = _part.Depth,
            SkipsHead = _part.SkipsHead,
        };
    }
}
