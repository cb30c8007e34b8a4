using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.SentencePieces;

/// <summary>BPE by the merges of a tokenizer.json: characters merge by rank, and unknown ones become bytes.</summary>
/// <param name="fusesUnknown">Whether unknown characters side by side are one unknown piece.</param>
internal sealed class RankedPieceEncoder(PieceVocabulary vocabulary, PairMergeTable merges, bool fusesUnknown)
    : IPieceEncoder
{
    public void Encode(ReadOnlySpan<char> text, List<int> ids, CancellationToken cancellation)
    {
        var symbols = new List<int>(text.Length);
        var end = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var character = text.Slice(end, rune.Utf16SequenceLength);
            end += rune.Utf16SequenceLength;
            if (vocabulary.TryFind(character, out var id))
            {
                symbols.Add(id);
                continue;
            }

            var before = symbols.Count;
            vocabulary.AddUnknown(character, symbols);
            if (
                fusesUnknown
                && before > 0
                && symbols.Count == before + 1
                && symbols[before] == vocabulary.UnknownId
                && symbols[before - 1] == vocabulary.UnknownId
            )
            {
                symbols.RemoveAt(before);
            }
        }

        new PairMerger(merges, cancellation).Merge(
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(symbols),
            ids
        );
    }
}
