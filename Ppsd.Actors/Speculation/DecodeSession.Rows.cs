using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>The rows of a session's next part: its verified token and the drafts beside it.</summary>
internal sealed partial class DecodeSession
{
    private TokenNode? _best;

    /// <summary>Number of the micro-batch under construction.</summary>
    public long Step { get; set; }

    /// <summary>Number of the micro-batch that the last verified token entered with; null while it waits.</summary>
    public long? HeadStep => Head is { Id: not null } head ? head.Step : null;

    /// <summary>Rows that may still join the part under construction.</summary>
    public int RoomInPart => MaxWidth - _part.Count;

    private bool MayTakeDrafts => _sources.Draft && Head is { Id: not null } && RoomInPart > 0;

    /// <summary>Makes the waiting verified token the first row of the next part.</summary>
    public void TakeVerifiedToken()
    {
        var head = Head!;
        Enter(head, _base.Head);
        _part.CertainCount = 1;
    }

    /// <summary>Updates the survival probabilities of proposals; call before drafts are taken.</summary>
    public void RankDrafts()
    {
        _pool.Rank();
        _best = MayTakeDrafts ? _pool.Best() : null;
    }

    /// <summary>Survival probability of the best waiting draft, from 0 to 1; 0 when none may enter.</summary>
    public double NextDraftChance =>
        _best is { } best && (_part.Count > 0 || best.PathChance >= _sources.LeastChance) ? best.PathChance : 0;

    /// <summary>Its sources, to be told what costs say of them.</summary>
    public SourcePolicies Sources => _sources;

    /// <summary>Makes that draft the next row of the part.</summary>
    public void TakeDraft()
    {
        var node = _best!;
        Enter(node, node.Parent!.Id!.Value);
        _pool.ProposeNGrams(node);
        _best = RoomInPart > 0 ? _pool.Best() : null;
    }

    /// <summary>Ends the part under construction and returns it; null when it has no rows.</summary>
    /// <param name="mayDraft">True when its rows may be drafted from.</param>
    public BatchPart? EndPart(bool mayDraft)
    {
        _best = null;
        if (_part.Count == 0)
        {
            return null;
        }

        _nextPart++;
        Tally.Enter(_part.Count);
        return _part.Build(Id, Run, _base, WantsDrafts(mayDraft));
    }

    private void Enter(TokenNode node, CandidateId parent)
    {
        _part.Add(_nextId, node.Token, parent);
        _pool.Tree.Enter(node, _nextId, _nextPart, Step);
        _nextId = _nextId.Plus(1);
    }
}
