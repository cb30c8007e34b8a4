namespace Ppsd.Host.Text.SentencePieces;

/// <summary>
/// SentencePiece's Unigram model (Kudo 2018): of all ways to cut a text into pieces the one whose scores sum highest, by
/// Viterbi's algorithm. A character that no piece covers costs more than any piece; several side by side are one unknown
/// stretch.
/// </summary>
internal sealed class UnigramEncoder : IPieceEncoder
{
    private const double UnknownPenalty = 10;
    private const int CharactersPerLook = 1 << 12;

    private readonly PieceVocabulary _vocabulary;
    private readonly double[] _scores; // [piece id]
    private readonly double _unknownScore;
    private readonly Dictionary<(int Node, char Next), int> _children = []; // a tree of the pieces' characters
    private readonly List<int> _idAt = [-1]; // [node], the piece that ends there or -1

    /// <summary>Prepares the pieces.</summary>
    /// <param name="scores">[piece id] Log probabilities.</param>
    public UnigramEncoder(PieceVocabulary vocabulary, double[] scores)
    {
        _vocabulary = vocabulary;
        _scores = scores;
        _unknownScore = scores.DefaultIfEmpty(0).Min() - UnknownPenalty;
        foreach (var (text, id) in vocabulary.Ids)
        {
            var node = 0;
            foreach (var c in text)
            {
                if (!_children.TryGetValue((node, c), out var next))
                {
                    next = _idAt.Count;
                    _idAt.Add(-1);
                    _children.Add((node, c), next);
                }

                node = next;
            }

            _idAt[node] = id;
        }
    }

    public void Encode(ReadOnlySpan<char> text, List<int> ids, CancellationToken cancellation)
    {
        var best = new Cut[text.Length + 1];
        Array.Fill(best, new Cut(Start: -1, Id: -1, Score: 0));
        for (var start = 0; start < text.Length; )
        {
            if (start % CharactersPerLook == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            var length = start + 1 < text.Length && char.IsSurrogatePair(text[start], text[start + 1]) ? 2 : 1;
            ExtendFrom(text, start, length, best);
            start += length;
        }

        AddIds(text, best, ids);
    }

    private void ExtendFrom(ReadOnlySpan<char> text, int start, int characterLength, Cut[] best)
    {
        var coversCharacter = false;
        var node = 0;
        for (var end = start; end < text.Length && _children.TryGetValue((node, text[end]), out node); end++)
        {
            if (_idAt[node] is var id and >= 0)
            {
                coversCharacter |= end + 1 - start == characterLength;
                Offer(end + 1, id, _scores[id]);
            }
        }

        if (!coversCharacter)
        {
            Offer(start + characterLength, -1, _unknownScore);
        }

        void Offer(int end, int id, double score)
        {
            var sum = best[start].Score + score;
            if (best[end].Start < 0 || sum > best[end].Score)
            {
                best[end] = new Cut(start, id, sum);
            }
        }
    }

    private void AddIds(ReadOnlySpan<char> text, Cut[] best, List<int> ids)
    {
        var cuts = new Stack<(int Start, int End, int Id)>();
        for (var end = text.Length; end > 0; end = best[end].Start)
        {
            var (start, id, _) = best[end];
            if (id < 0 && cuts.TryPeek(out var after) && after.Id < 0)
            {
                cuts.Pop();
                cuts.Push((start, after.End, -1));
            }
            else
            {
                cuts.Push((start, end, id));
            }
        }

        foreach (var (start, end, id) in cuts)
        {
            if (id >= 0)
            {
                ids.Add(id);
            }
            else
            {
                _vocabulary.AddUnknown(text[start..end], ids);
            }
        }
    }

    // The best way to reach a place: where its last piece begins, which it is (-1: unknown), and the sum of the scores.
    private readonly record struct Cut(int Start, int Id, double Score);
}
