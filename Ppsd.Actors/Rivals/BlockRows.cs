using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Rivals;

/// <summary>The rows of one block: tokens one behind the other, from the end of what a text's stages hold.</summary>
internal sealed class BlockRows(BlockSession session)
{
    private readonly List<TokenId> _tokens = [];
    private readonly List<CandidateId> _candidates = [];
    private readonly CandidateId _head = session.Path.Head;

    /// <summary>Rows.</summary>
    public int Count => _tokens.Count;

    /// <summary>Their tokens.</summary>
    public IReadOnlyList<TokenId> Tokens => _tokens;

    /// <summary>A row's candidate.</summary>
    public CandidateId Candidate(int row) => _candidates[row];

    /// <summary>Adds a row.</summary>
    public void Add(TokenId token)
    {
        _tokens.Add(token);
        _candidates.Add(session.NewCandidate());
    }

    /// <summary>Some of the rows, for a stage's step.</summary>
    /// <param name="count">How many.</param>
    /// <param name="certain">How many of the block's leading rows are the target's own tokens.</param>
    public BatchPart Part(int first, int count, int certain)
    {
        var candidates = _candidates.GetRange(first, count).ToArray();
        var parents = new CandidateId[count];
        for (var i = 0; i < count; i++)
        {
            parents[i] = first + i == 0 ? _head : _candidates[first + i - 1];
        }

        return session.Part(
            candidates,
            [.. _tokens.GetRange(first, count)],
            parents,
            Math.Clamp(certain - first, 0, count)
        );
    }
}
