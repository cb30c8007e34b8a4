using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// A session's proposals, whatever source they come from, in one tree behind its last verified token. They wait until
/// they are chosen or die; a source has no influence on when its proposals enter. Pure; one owner.
/// </summary>
/// <param name="calibration">Measured accuracy of claims.</param>
/// <param name="usesNGrams">True to propose what followed the same tokens earlier in the text.</param>
/// <param name="endPosition">
/// First position at which a draft is useless, because the target's token after it would not be emitted.
/// </param>
internal sealed class DraftPool(DraftCalibration calibration, bool usesNGrams, int endPosition)
{
    /// <summary>Tokens that n-grams and echoes propose ahead.</summary>
    public const int TokensAhead = 6;

    /// <summary>A path less likely than this is not worth the memory.</summary>
    private const double LeastPathChance = 0.0005;

    /// <summary>Initial probability by the number of tokens matched.</summary>
    private static readonly double[] _nGramChances = [0, 0, 0.35, 0.5, 0.65, 0.75];

    private readonly NGramIndex _text = new();
    private readonly TokenId[] _ahead = new TokenId[TokensAhead];
    private readonly TokenId[] _context = new TokenId[NGramIndex.Longest];
    private readonly List<TokenId> _echo = [];
    private readonly List<TokenNode?> _best = [];

    /// <summary>Candidates and proposals.</summary>
    public CandidateTree Tree { get; } = new();

    /// <summary>True when a draft may stand behind the root, and none of the exit head does.</summary>
    public bool LacksHeadDrafts
    {
        get
        {
            if (Tree.Root is not { } root || !MayPropose(root))
            {
                return false;
            }

            for (var child = root.FirstChild; child is not null; child = child.NextSibling)
            {
                if (child.IsClaimedBy(DraftSource.ExitHead))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Tokens read so far.</summary>
    public int TextLength => _text.Length;

    /// <summary>Adds a verified token to the text that n-grams are looked up in.</summary>
    public void Read(TokenId token)
    {
        if (usesNGrams)
        {
            _text.Add(token);
        }
    }

    /// <summary>
    /// Adds an exit head's drafts. Drops those whose origin has died or been judged, and those past the token limit,
    /// for which the stages have neither slots nor positions.
    /// </summary>
    public void Add(ReadOnlySpan<DraftedToken> drafts)
    {
        TokenNode? origin = null;
        for (var i = 0; i < drafts.Length; i++)
        {
            var draft = drafts[i];
            if (i == 0 || draft.Origin != drafts[i - 1].Origin)
            {
                origin = Tree.Find(draft.Origin);
                _best.Clear();
            }

            Add(origin, draft);
        }
    }

    /// <summary>Adds a chain's drafts behind the root, which is step 0 to them.</summary>
    public void AddBehindRoot(ReadOnlySpan<DraftedToken> drafts)
    {
        _best.Clear();
        _best.Add(Tree.Root);
        foreach (ref readonly var draft in drafts)
        {
            Add(origin: null, draft);
        }
    }

    /// <summary>Proposes what followed the same tokens earlier, behind a node.</summary>
    public void ProposeNGrams(TokenNode behind)
    {
        if (!usesNGrams)
        {
            return;
        }

        var length = _text.Find(_context.AsSpan(0, ContextOf(behind)), _ahead, out var count);
        var parent = behind;
        for (var step = 0; step < count && parent is not null; step++)
        {
            parent = Propose(parent, _ahead[step], new DraftClaim(DraftSource.NGram, step, _nGramChances[length]));
        }
    }

    /// <summary>Remembers the likeliest drafts behind the root, which a rejection is about to kill.</summary>
    public void KeepEcho()
    {
        _echo.Clear();
        for (var node = Tree.Root; node is not null && _echo.Count <= TokensAhead; node = LikeliestChild(node))
        {
            if (node != Tree.Root)
            {
                _echo.Add(node.Token);
            }
        }
    }

    /// <summary>
    /// Proposes them again after the token that the target chose: those that followed the same token if it was drafted,
    /// otherwise those that followed the token it replaced.
    /// </summary>
    public void ProposeEcho()
    {
        if (Tree.Root is not { } parent)
        {
            return;
        }

        var same = _echo.IndexOf(parent.Token);
        var from = same > 0 ? same + 1 : 1;
        for (var i = from; i < _echo.Count && parent is not null; i++)
        {
            parent = Propose(parent, _echo[i], new DraftClaim(DraftSource.Echo, i - from, 0.2));
        }

        _echo.Clear();
    }

    /// <summary>
    /// Learns from the target's token behind the root. Replaced claims count too: of a chain's further steps only those
    /// that were wrong would be left, since a right one enters and is claimed again by a nearer origin.
    /// </summary>
    public void Learn(TokenId token)
    {
        for (var child = Tree.Root?.FirstChild; child is not null; child = child.NextSibling)
        {
            var isRight = child.Token == token;
            foreach (ref readonly var claim in child.Claims)
            {
                calibration.Note(claim, isRight);
            }

            for (var i = 0; i < child.ReplacedClaims.Count; i++)
            {
                calibration.Note(child.ReplacedClaims[i], isRight);
            }
        }
    }

    /// <summary>Recomputes every node's probabilities.</summary>
    public void Rank()
    {
        Rank(Tree.Candidates);
        Rank(Tree.Proposals);
    }

    /// <summary>The likeliest proposal, whose parent has entered; null for none. Call <see cref="Rank()"/> before.</summary>
    public TokenNode? Best()
    {
        TokenNode? best = null;
        foreach (var node in Tree.Proposals)
        {
            // A path is never likelier than its prefix, and parents come first.
            if (node != Tree.Root && node.PathChance > (best?.PathChance ?? 0))
            {
                best = node;
            }
        }

        return best;
    }

    /// <summary>Drafts in flight on the likeliest path, for display, each with the others in flight for its place.</summary>
    public List<PlacedDraft> LikelyDrafts()
    {
        Rank();
        var drafts = new List<PlacedDraft>();
        for (var node = Tree.Root; node is { Id: not null }; node = LikeliestChild(node))
        {
            if (node != Tree.Root)
            {
                drafts.Add(new PlacedDraft(node.Token, OthersThan(node)));
            }
        }

        return drafts;
    }

    /// <summary>A candidate's siblings in flight, the likeliest first.</summary>
    private static TokenId[] OthersThan(TokenNode node)
    {
        var others = new List<TokenNode>();
        for (var other = node.Parent!.FirstChild; other is not null; other = other.NextSibling)
        {
            if (other != node && other.Id is not null)
            {
                others.Add(other);
            }
        }

        return [.. others.OrderByDescending(other => other.PathChance).Select(other => other.Token)];
    }

    private void Add(TokenNode? origin, in DraftedToken draft)
    {
        // Steps are consecutive; after a missing step the rest have no parent.
        var parent =
            draft.Step == 0 ? origin
            : draft.Step <= _best.Count ? _best[draft.Step - 1]
            : null;
        var node = Propose(
            parent,
            draft.Token,
            new DraftClaim(DraftSource.ExitHead, draft.Step, Math.Exp(Math.Min(0, draft.LogProbability)))
        );
        if (draft.Step == _best.Count)
        {
            _best.Add(node);
        }
    }

    private bool MayPropose(TokenNode behind) => behind.Position + 1 < endPosition;

    private TokenNode? Propose(TokenNode? parent, TokenId token, in DraftClaim claim)
    {
        // Logits that are not finite give neither a token nor a probability.
        if (parent is null || token.Value < 0 || double.IsNaN(claim.Probability) || !MayPropose(parent))
        {
            return null;
        }

        if (CandidateTree.FindChild(parent, token) is not { } node)
        {
            var chance = parent.PathChance * calibration.ChanceOf(claim);
            if (chance < LeastPathChance)
            {
                return null;
            }

            node = Tree.Propose(parent, token);
        }

        node.Claim(claim);
        RankFrom(node);
        return node;
    }

    /// <summary>A new claim changes the chances of all behind it; a child must never look likelier than its parent.</summary>
    private void RankFrom(TokenNode node)
    {
        Rank(node);
        for (var child = node.FirstChild; child is not null; child = child.NextSibling)
        {
            RankFrom(child);
        }
    }

    private void Rank(IReadOnlyList<TokenNode> nodes)
    {
        for (var i = 0; i < nodes.Count; i++)
        {
            Rank(nodes[i]);
        }
    }

    private void Rank(TokenNode node)
    {
        if (node.Parent is not { } parent)
        {
            (node.Chance, node.PathChance) = (1, 1);
            return;
        }

        var chance = 0.0;
        foreach (ref readonly var claim in node.Claims)
        {
            var claimed = calibration.ChanceOf(claim);
            if (claimed > chance)
            {
                chance = claimed;
                node.LikeliestClaim = claim;
            }
        }

        (node.Chance, node.PathChance) = (chance, parent.PathChance * chance);
    }

    private static TokenNode? LikeliestChild(TokenNode node)
    {
        TokenNode? best = null;
        for (var child = node.FirstChild; child is not null; child = child.NextSibling)
        {
            // Children lie newest first; the first of equals was proposed first.
            if (child.Id is not null && (best is null || child.Chance >= best.Chance))
            {
                best = child;
            }
        }

        return best;
    }

    /// <summary>Fills the context with the last tokens up to a node, the newest first.</summary>
    private int ContextOf(TokenNode node)
    {
        var count = 0;
        for (var at = node; count < _context.Length && at is not null && at != Tree.Root; at = at.Parent)
        {
            _context[count++] = at.Token;
        }

        // The text ends with the root.
        return count + _text.CopyEnd(_context.AsSpan(count));
    }
}
