using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// A token at a place in a session's tree: a proposal until it enters the pipeline, a candidate from then on. Nodes
/// belong to their <see cref="CandidateTree"/>, which reuses dead ones.
/// </summary>
internal sealed class TokenNode
{
    private const int Sources = 3;
    private readonly DraftClaim[] _claims = new DraftClaim[Sources];
    private readonly List<DraftClaim> _replaced = [];
    private int _claimed;

    /// <summary>Its id once it has entered; null for a proposal.</summary>
    public CandidateId? Id { get; set; }

    /// <summary>The token before it; null for the root.</summary>
    public TokenNode? Parent { get; set; }

    /// <summary>Its first child.</summary>
    public TokenNode? FirstChild { get; set; }

    /// <summary>The next child of its parent.</summary>
    public TokenNode? NextSibling { get; set; }

    /// <summary>The token.</summary>
    public TokenId Token { get; set; }

    /// <summary>Its position in the sequence.</summary>
    public int Position { get; set; }

    /// <summary>Which of the session's parts it entered with.</summary>
    public int Part { get; set; }

    /// <summary>Number of the micro-batch that it entered with.</summary>
    public long Step { get; set; }

    /// <summary>False for a token that was verified when it entered.</summary>
    public bool IsDraft { get; set; }

    /// <summary>Probability that it is right, given that its parent is.</summary>
    public double Chance { get; set; }

    /// <summary>Probability that it and all tokens before it back to the root are right.</summary>
    public double PathChance { get; set; }

    /// <summary>True while it belongs to the tree.</summary>
    public bool IsKept { get; set; }

    /// <summary>Claims by its sources.</summary>
    public ReadOnlySpan<DraftClaim> Claims => _claims.AsSpan(0, _claimed);

    /// <summary>Earlier claims, each replaced by a later one of its source; the target judges them as well.</summary>
    public IReadOnlyList<DraftClaim> ReplacedClaims => _replaced;

    /// <summary>The claim that its probability comes from.</summary>
    public DraftClaim LikeliestClaim { get; set; }

    /// <summary>The claim it entered for. The claims of a candidate change while it is in flight.</summary>
    public DraftClaim EntryClaim { get; set; }

    /// <summary>Adds a claim, in place of an earlier one of the same source: the later one has seen more tokens.</summary>
    public void Claim(in DraftClaim claim)
    {
        for (var i = 0; i < _claimed; i++)
        {
            if (_claims[i].Source == claim.Source)
            {
                _replaced.Add(_claims[i]);
                _claims[i] = claim;
                return;
            }
        }

        _claims[_claimed++] = claim;
    }

    /// <summary>True when a source has proposed it.</summary>
    public bool IsClaimedBy(DraftSource source)
    {
        foreach (ref readonly var claim in Claims)
        {
            if (claim.Source == source)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Forgets its claims.</summary>
    public void ClearClaims()
    {
        _claimed = 0;
        _replaced.Clear();
    }
}
