using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// The candidates of one session between its base (the last candidate with a verdict) and the newest draft: those in
/// the pipeline and those waiting to enter. Plain PPSD keeps a chain in it. Pure; one owner.
/// </summary>
internal sealed class CandidateTree
{
    private readonly List<Node> _nodes = [];

    /// <summary>Candidates in the tree.</summary>
    public int Count => _nodes.Count;

    /// <summary>All candidates, parents before children.</summary>
    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>Adds a candidate that has entered the pipeline.</summary>
    public void Add(CandidateId id, CandidateId parent, TokenId token, float score, bool isDraft) =>
        _nodes.Add(new Node(id, parent, token, score, isDraft));

    /// <summary>The candidate, if it lives.</summary>
    public Node? Find(CandidateId id)
    {
        // Newest first: drafts extend the newest candidates.
        for (var i = _nodes.Count - 1; i >= 0; i--)
        {
            if (_nodes[i].Id == id)
            {
                return _nodes[i];
            }
        }

        return null;
    }

    /// <summary>True when a candidate has children in the tree.</summary>
    public bool HasChildren(CandidateId parent)
    {
        foreach (var node in _nodes)
        {
            if (node.Parent == parent)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The child of <paramref name="parent"/> with that token, if there is one.</summary>
    public Node? FindChild(CandidateId parent, TokenId token)
    {
        foreach (var node in _nodes)
        {
            if (node.Parent == parent && node.Token == token)
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>Removes everything but <paramref name="root"/> and its descendants; returns the ids removed.</summary>
    public List<CandidateId> KeepOnly(CandidateId root)
    {
        var removed = new List<CandidateId>();
        var kept = 0;
        for (var i = 0; i < _nodes.Count; i++)
        {
            var node = _nodes[i];

            // Parents precede children, so the parent's fate is settled.
            if (node.Id == root || IsAmongFirst(kept, node.Parent))
            {
                _nodes[kept++] = node;
            }
            else
            {
                removed.Add(node.Id);
            }
        }

        _nodes.RemoveRange(kept, _nodes.Count - kept);
        return removed;
    }

    /// <summary>Removes everything.</summary>
    public void Clear() => _nodes.Clear();

    private bool IsAmongFirst(int count, CandidateId id)
    {
        for (var i = 0; i < count; i++)
        {
            if (_nodes[i].Id == id)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A candidate in the pipeline.</summary>
    /// <param name="Id">Its id.</param>
    /// <param name="Parent">The candidate before it.</param>
    /// <param name="Token">Its token.</param>
    /// <param name="Score">Sum of log probabilities along its path of drafts.</param>
    /// <param name="IsDraft">False for a token that was verified when it entered.</param>
    internal sealed record Node(CandidateId Id, CandidateId Parent, TokenId Token, float Score, bool IsDraft);
}
