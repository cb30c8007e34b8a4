using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// The tokens after a session's last verified token, which is the root: candidates in the pipeline and proposals that
/// have not entered. A candidate's parent is a candidate; a proposal's parent may be a proposal. Pure; one owner.
/// </summary>
internal sealed class CandidateTree
{
    // Both lists have parents before children.
    private readonly List<TokenNode> _candidates = [];
    private readonly List<TokenNode> _proposals = [];
    private readonly Stack<TokenNode> _spare = [];

    /// <summary>The last verified token; null while the prompt enters.</summary>
    public TokenNode? Root { get; private set; }

    /// <summary>Nodes that have entered, in the order they did.</summary>
    public IReadOnlyList<TokenNode> Candidates => _candidates;

    /// <summary>Nodes that have not entered, the root among them while it waits.</summary>
    public IReadOnlyList<TokenNode> Proposals => _proposals;

    /// <summary>Drafts that wait to enter.</summary>
    public int WaitingDrafts => _proposals.Count - (Root is { Id: null } ? 1 : 0);

    /// <summary>Makes a token the root, alone.</summary>
    public TokenNode Plant(TokenId token, int position)
    {
        Clear();
        Root = New(null, token, position);
        return Root;
    }

    /// <summary>Adds a proposal.</summary>
    public TokenNode Propose(TokenNode parent, TokenId token)
    {
        var node = New(parent, token, parent.Position + 1);
        node.IsDraft = true;
        node.NextSibling = parent.FirstChild;
        parent.FirstChild = node;
        return node;
    }

    /// <summary>A proposal enters the pipeline; its parent has.</summary>
    public void Enter(TokenNode node, CandidateId id, int part, long step)
    {
        node.Id = id;
        node.Part = part;
        node.Step = step;
        node.EntryClaim = node.LikeliestClaim;
        _proposals.Remove(node);
        _candidates.Add(node);
    }

    /// <summary>The candidate with an id, if it lives.</summary>
    public TokenNode? Find(CandidateId id)
    {
        // Newest first: drafts extend the newest candidates.
        for (var i = _candidates.Count - 1; i >= 0; i--)
        {
            if (_candidates[i].Id == id)
            {
                return _candidates[i];
            }
        }

        return null;
    }

    /// <summary>The child of <paramref name="parent"/> with that token, if there is one.</summary>
    public static TokenNode? FindChild(TokenNode parent, TokenId token)
    {
        for (var child = parent.FirstChild; child is not null; child = child.NextSibling)
        {
            if (child.Token == token)
            {
                return child;
            }
        }

        return null;
    }

    /// <summary>True when a child of <paramref name="parent"/> has entered.</summary>
    public static bool HasCandidateBehind(TokenNode parent)
    {
        for (var child = parent.FirstChild; child is not null; child = child.NextSibling)
        {
            if (child.Id is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Makes a node the root and removes all that do not descend from it.
    /// </summary>
    /// <param name="root">The new root.</param>
    /// <param name="removed">Receives the ids of candidates removed, in the order they entered.</param>
    public void KeepOnly(TokenNode root, List<CandidateId> removed)
    {
        Root = root;
        root.IsKept = true;
        root.Parent = null;
        root.NextSibling = null;
        Keep(_candidates, removed);
        Keep(_proposals, removed);
        Mark(_candidates);
        Mark(_proposals);
    }

    /// <summary>Makes every node a proposal, because nothing of the tree is in the pipeline any more.</summary>
    public void Withdraw()
    {
        foreach (var node in _candidates)
        {
            node.Id = null;
        }

        _proposals.InsertRange(0, _candidates);
        _candidates.Clear();
    }

    /// <summary>Removes everything.</summary>
    public void Clear()
    {
        _candidates.ForEach(_spare.Push);
        _proposals.ForEach(_spare.Push);
        _candidates.Clear();
        _proposals.Clear();
        Root = null;
    }

    private TokenNode New(TokenNode? parent, TokenId token, int position)
    {
        var node = _spare.TryPop(out var spare) ? spare : new TokenNode();
        node.Id = null;
        node.Parent = parent;
        node.FirstChild = null;
        node.NextSibling = null;
        node.Token = token;
        node.Position = position;
        node.Part = 0;
        node.IsDraft = false;
        node.Chance = 1;
        node.PathChance = 1;
        node.IsKept = false;
        node.ClearClaims();
        _proposals.Add(node);
        return node;
    }

    private void Keep(List<TokenNode> nodes, List<CandidateId> removed)
    {
        var kept = 0;
        for (var i = 0; i < nodes.Count; i++)
        {
            // Parents precede children, so the parent has been handled.
            var node = nodes[i];
            if (node == Root || node.Parent is { IsKept: true })
            {
                node.IsKept = true;
                nodes[kept++] = node;
                continue;
            }

            if (node.Id is { } id)
            {
                removed.Add(id);
            }

            _spare.Push(node);
        }

        nodes.RemoveRange(kept, nodes.Count - kept);
    }

    private static void Mark(List<TokenNode> nodes)
    {
        foreach (var node in nodes)
        {
            node.IsKept = false;
        }
    }
}
