using Ppsd.Actors.Ids;

namespace Ppsd.Host.Bench.Replay;

/// <summary>Knows which of a session's candidates lie on its recorded text.</summary>
internal sealed class TextFollower(int promptLength, ReplayedTexts texts)
{
    private readonly List<int> _prompt = [];
    private readonly Dictionary<CandidateId, (int Position, bool IsOnText)> _candidates = [];
    private IReadOnlyList<int>? _text;
    private uint _key;

    public void Append(CandidateId id, CandidateId parent, int token)
    {
        var (before, isOnText) = parent == CandidateId.Root ? (-1, true) : _candidates[parent];
        var position = before + 1;
        if (position == _prompt.Count && position < promptLength)
        {
            _prompt.Add(token);
            if (_prompt.Count == promptLength)
            {
                (_text, _key) = (texts.Find(_prompt), ReplayedTexts.KeyOfText(_prompt));
            }
        }

        _candidates[id] = (position, isOnText && (position < promptLength || TokenAt(position) == token));
    }

    /// <summary>A token of a step behind a candidate; rank 0 is the one the chain goes on from.</summary>
    public int Draft(CandidateId origin, int step, int rank, int vocabSize)
    {
        var (at, isOnText) = _candidates[origin];
        var position = at + 1 + step;
        var right = isOnText ? TokenAt(position) : null;
        var isRight = rank == 0 && texts.IsRight(_key, position);
        return right is { } token && isRight ? token : ((right ?? position) + 1 + rank) % vocabSize;
    }

    /// <summary>The text's token behind a candidate; null when that is not on the text, or its last.</summary>
    public int? TokenAfter(CandidateId candidate) =>
        _candidates[candidate] is (var position, true) ? TokenAt(position + 1) : null;

    private int? TokenAt(int position) => position < _text?.Count ? _text[position] : null;
}
