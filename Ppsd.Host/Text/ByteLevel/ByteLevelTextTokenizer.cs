using System.Buffers;
using System.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// The tokenizer of a byte-level BPE model: finds the added tokens, cuts the text between them into words and turns each
/// word's bytes into pieces; <see cref="PairMerger"/> merges them.
/// </summary>
/// <remarks>
/// Microsoft.ML.Tokenizers 2.0.1 merges too, but in a time that grows with the square of a word's length (half a
/// megabyte of letters takes half a minute), and cannot be cancelled.
/// </remarks>
internal sealed class ByteLevelTextTokenizer : ITextTokenizer
{
    /// <summary>The file, for messages.</summary>
    public required string Path { get; init; }

    /// <summary>The merges within a word.</summary>
    public required PairMergeTable Merges { get; init; }

    /// <summary>[256] The id of each byte's own piece; null where the vocabulary has none.</summary>
    public required IReadOnlyList<int?> ByteIds { get; init; }

    /// <summary>The bytes of each id.</summary>
    public required TokenPieces Pieces { get; init; }

    /// <summary>
    /// Words taken as they are, spelled in the byte-level alphabet; empty unless the model ignores merges for them.
    /// </summary>
    public required Dictionary<string, int> WholeWords { get; init; }

    /// <summary>Finds the added tokens.</summary>
    public required AddedTokenSplitter AddedTokens { get; init; }

    /// <summary>Whether text is brought into Unicode normalization form C first.</summary>
    public required bool ComposesText { get; init; }

    /// <summary>Finds added tokens in the text as normalized.</summary>
    public required AddedTokenSplitter NormalizedTokens { get; init; }

    /// <summary>Cuts text into words.</summary>
    public required WordSplitter Words { get; init; }

    /// <summary>What stands around a raw prompt.</summary>
    public required PromptFrame Frame { get; init; }

    /// <inheritdoc/>
    public required int? BosId { get; init; }

    /// <inheritdoc/>
    public required IReadOnlyList<int> EosIds { get; init; }

    /// <inheritdoc/>
    public int VocabSize => Pieces.Count;

    /// <inheritdoc/>
    public bool DropsLeadingSpace => false;

    /// <inheritdoc/>
    public int[] Encode(string text, CancellationToken cancellation = default) =>
        Frame.Around(EncodeSegments(text, cancellation));

    /// <inheritdoc/>
    public int[] EncodeRendered(string text, CancellationToken cancellation = default) =>
        [.. EncodeSegments(text, cancellation)];

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids, bool keepsSpecials = false) =>
        Pieces.Decode(ids, dropLeadingSpace: false, keepsSpecials);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PieceBytes(int id) => Pieces[id];

    /// <inheritdoc/>
    public ReadOnlySpan<byte> SpellingBytes(int id) => Pieces.Spelling(id);

    /// <inheritdoc/>
    public bool IsSpecial(int id) => Pieces.IsSpecial(id);

    private List<int> EncodeSegments(string text, CancellationToken cancellation)
    {
        text = UnicodeText.WithoutLoneSurrogates(text);
        var ids = new List<int>(text.Length / 3);
        var merger = new PairMerger(Merges, cancellation);
        foreach (var segment in AddedTokens.Split(text))
        {
            if (segment.TokenId is { } id)
            {
                ids.Add(id);
            }
            else
            {
                EncodeStretch(text.Substring(segment.Start, segment.Length), merger, ids, cancellation);
            }
        }

        return ids;
    }

    private void EncodeStretch(string text, PairMerger merger, List<int> ids, CancellationToken cancellation)
    {
        text = ComposesText ? NfcNormalizer.Normalize(text) : text;
        foreach (var segment in NormalizedTokens.Split(text))
        {
            if (segment.TokenId is { } id)
            {
                ids.Add(id);
            }
            else
            {
                EncodePlain(text.Substring(segment.Start, segment.Length), merger, ids, cancellation);
            }
        }
    }

    private void EncodePlain(string text, PairMerger merger, List<int> ids, CancellationToken cancellation)
    {
        text = Words.Prepare(text);
        foreach (var range in Words.Split(text, cancellation))
        {
            var word = text.AsSpan(range.Start, range.Length);
            if (WholeWords.Count > 0 && WholeWords.TryGetValue(ByteLevelAlphabet.Spell(word), out var id))
            {
                ids.Add(id);
            }
            else
            {
                EncodeWord(word, merger, ids);
            }
        }
    }

    private void EncodeWord(ReadOnlySpan<char> word, PairMerger merger, List<int> ids)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(word.Length));
        var symbols = ArrayPool<int>.Shared.Rent(bytes.Length);
        try
        {
            var count = Encoding.UTF8.GetBytes(word, bytes);
            for (var i = 0; i < count; i++)
            {
                symbols[i] = ByteIds[bytes[i]] ?? throw NoPiece(bytes[i]);
            }

            merger.Merge(symbols.AsSpan(0, count), ids);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
            ArrayPool<int>.Shared.Return(symbols);
        }
    }

    // transformers leaves such a byte out of the prompt; a model would answer another text than the one it was given.
    private TextException NoPiece(byte value) =>
        new($"the text holds the byte 0x{value:X2}, for which the vocabulary of {Path} has no piece");
}
