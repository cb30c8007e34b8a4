using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Resumes;

/// <summary>
/// The hidden states of one session that a stage has sent, so that a stage which takes the next one's place can be sent them
/// again: those of the verified path by position, those of candidates without a verdict by id. A session that does not fit the
/// budget gives all of them up. Pure; one owner.
/// </summary>
internal sealed class SentRows(RowMemory memory)
{
    private readonly List<(TokenId Token, int Row)> _verified = [];
    private readonly Dictionary<CandidateId, Candidate> _pending = [];
    private readonly List<CandidateId> _path = [];
    private CandidateId _head = CandidateId.Root;
    private bool _isGivenUp;

    /// <summary>Tokens from the text's first on whose hidden states are here and verified.</summary>
    public int Length => _verified.Count;

    /// <summary>Bytes of a row.</summary>
    public int RowBytes => memory.RowBytes;

    /// <summary>The token at a position.</summary>
    public TokenId TokenAt(int position) => _verified[position].Token;

    /// <summary>The hidden states at a position.</summary>
    public ReadOnlySpan<byte> this[int position] => memory[_verified[position].Row];

    /// <summary>The stage has computed a part.</summary>
    /// <param name="hidden">Its hidden states, [candidates, row bytes].</param>
    public void Add(BatchPart part, ReadOnlySpan<byte> hidden)
    {
        for (var i = 0; i < part.Count && !_isGivenUp; i++)
        {
            if (!memory.TryRent(out var row))
            {
                GiveUp();
                return;
            }

            hidden.Slice(i * memory.RowBytes, memory.RowBytes).CopyTo(memory[row]);
            _pending.Add(part.Candidates[i], new Candidate(part.Parents[i], part.Tokens[i], row));
        }
    }

    /// <summary>A path is verified; candidates that cannot descend from it are forgotten.</summary>
    public void Commit(VerifiedPath path)
    {
        if (_isGivenUp || path.Length <= Length)
        {
            return;
        }

        _path.Clear();
        for (var id = path.Head; id != _head; id = _pending[id].Parent)
        {
            if (!_pending.ContainsKey(id))
            {
                GiveUp();
                return;
            }

            _path.Add(id);
        }

        if (Length + _path.Count != path.Length)
        {
            GiveUp();
            return;
        }

        for (var i = _path.Count - 1; i >= 0; i--)
        {
            _pending.Remove(_path[i], out var candidate);
            _verified.Add((candidate.Token, candidate.Row));
        }

        // Ids count up from parent to child, so those before the head are of dead branches.
        _head = path.Head;
        foreach (var (id, candidate) in _pending)
        {
            if (id.Value < _head.Value)
            {
                _pending.Remove(id);
                memory.Return(candidate.Row);
            }
        }
    }

    /// <summary>A path is verified, and all that came after it is forgotten.</summary>
    public void Rollback(VerifiedPath path)
    {
        Commit(path);
        KeepFirst(path.Length);
        _head = path.Head;
        _isGivenUp &= path.Length > 0;
    }

    /// <summary>Keeps the first tokens, whose candidates are then numbered by position.</summary>
    public void KeepFirst(int length)
    {
        for (var position = Length - 1; position >= length; position--)
        {
            memory.Return(_verified[position].Row);
            _verified.RemoveAt(position);
        }

        ForgetPending();
        _head = new CandidateId(Length - 1);
        _isGivenUp |= Length < length;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear() => KeepFirst(0);

    private void GiveUp()
    {
        Clear();
        _isGivenUp = true;
    }

    private void ForgetPending()
    {
        foreach (var candidate in _pending.Values)
        {
            memory.Return(candidate.Row);
        }

        _pending.Clear();
    }

    private readonly record struct Candidate(CandidateId Parent, TokenId Token, int Row);
}
