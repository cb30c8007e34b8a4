using System.Text;

namespace Ppsd.Host.Text.SentencePieces;

/// <summary>
/// SentencePiece's BPE: adjacent symbols merge into pieces, best score first and leftmost first among equals, until
/// nothing merges; characters outside the vocabulary become their UTF-8 bytes. Knows nothing of special tokens or
/// spaces. Safe for use from several threads at once.
/// </summary>
/// <remarks>
/// Microsoft.ML.Tokenizers 2.0.1 has this algorithm too, but merges the rightmost of equal pairs first
/// (SentencePieceBpeModel.SymbolPair.CompareTo), so three spaces become one and two instead of two and one: "a  b   c"
/// gets other ids than from SentencePiece itself. That cannot be set right from outside.
/// </remarks>
internal sealed class SentencePieceMerger : IPieceEncoder
{
    private const int MergesPerLook = 1 << 12;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids;
    private readonly float[] _scores; // [piece id]
    private readonly int _longestPiece;
    private readonly int _firstByteId;

    /// <summary>Prepares the pieces that text can become; control pieces and bytes are not among them.</summary>
    public SentencePieceMerger(SentencePieceModel model)
    {
        var ids = new Dictionary<string, int>(model.Pieces.Count, StringComparer.Ordinal);
        foreach (var (id, piece) in model.Pieces.Index())
        {
            if (piece.Kind is SentencePieceKind.Normal or SentencePieceKind.UserDefined)
            {
                ids.TryAdd(piece.Text, id);
                _longestPiece = Math.Max(_longestPiece, piece.Text.Length);
            }
        }

        _ids = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _scores = [.. model.Pieces.Select(piece => piece.Score)];
        _firstByteId = model.FirstByteId;
    }

    public void Encode(ReadOnlySpan<char> text, List<int> ids, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        var symbols = new List<Symbol>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var start = symbols.Count == 0 ? 0 : symbols[^1].End;
            symbols.Add(new Symbol(start, start + rune.Utf16SequenceLength, symbols.Count - 1, symbols.Count + 1));
        }

        Merge(text, symbols, cancellation);
        for (var i = 0; i < symbols.Count; i = symbols[i].Next)
        {
            var piece = text[symbols[i].Start..symbols[i].End];
            if (_ids.TryGetValue(piece, out var id))
            {
                ids.Add(id);
            }
            else
            {
                AddBytes(piece, ids);
            }
        }
    }

    private void Merge(ReadOnlySpan<char> text, List<Symbol> symbols, CancellationToken cancellation)
    {
        var candidates = new PriorityQueue<Candidate, (float NegativeScore, int Left)>(symbols.Count);
        for (var left = 0; left + 1 < symbols.Count; left++)
        {
            Propose(text, symbols, left, candidates);
        }

        for (var merges = 0; candidates.TryDequeue(out var candidate, out var priority); merges++)
        {
            if (merges % MergesPerLook == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            var left = symbols[priority.Left];
            if (left.Start != candidate.Start || left.Next >= symbols.Count || symbols[left.Next].End != candidate.End)
            {
                continue; // one of the two has merged with another symbol since
            }

            var right = symbols[left.Next];
            symbols[left.Next] = right with { Start = -1 };
            symbols[priority.Left] = left with { End = right.End, Next = right.Next };
            if (right.Next < symbols.Count)
            {
                symbols[right.Next] = symbols[right.Next] with { Previous = priority.Left };
            }

            Propose(text, symbols, left.Previous, candidates);
            Propose(text, symbols, priority.Left, candidates);
        }
    }

    // The symbol and the one after it may merge if their text together is a piece.
    private void Propose(
        ReadOnlySpan<char> text,
        List<Symbol> symbols,
        int left,
        PriorityQueue<Candidate, (float NegativeScore, int Left)> candidates
    )
    {
        if (left < 0 || symbols[left].Next >= symbols.Count)
        {
            return;
        }

        var candidate = new Candidate(symbols[left].Start, symbols[symbols[left].Next].End);
        if (
            candidate.End - candidate.Start <= _longestPiece
            && _ids.TryGetValue(text[candidate.Start..candidate.End], out var id)
        )
        {
            candidates.Enqueue(candidate, (-_scores[id], left));
        }
    }

    private void AddBytes(ReadOnlySpan<char> character, List<int> ids)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (var value in bytes[..Encoding.UTF8.GetBytes(character, bytes)])
        {
            ids.Add(_firstByteId + value);
        }
    }

    // A stretch of text and its neighbours; Start is -1 once it has merged into the one before.
    private readonly record struct Symbol(int Start, int End, int Previous, int Next);

    // The text that two neighbours would merge into; out of date when they no longer span just that.
    private readonly record struct Candidate(int Start, int End);
}
