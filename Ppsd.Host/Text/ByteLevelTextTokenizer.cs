using Microsoft.ML.Tokenizers;

namespace Ppsd.Host.Text;

/// <summary>
/// The tokenizer of a byte-level BPE model. Merging within a word is done by Microsoft.ML.Tokenizers; this type finds
/// the added tokens, cuts the words and knows <c>ignore_merges</c>, which the library does not.
/// </summary>
internal sealed class ByteLevelTextTokenizer : ITextTokenizer
{
    /// <summary>Merges one word.</summary>
    public required BpeTokenizer Library { get; init; }

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
    public int[] Encode(string text) => Frame.Around(EncodeSegments(text));

    /// <inheritdoc/>
    public int[] EncodeRendered(string text) => [.. EncodeSegments(text)];

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids) => Pieces.Decode(ids, dropLeadingSpace: false);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PieceBytes(int id) => Pieces[id];

    /// <inheritdoc/>
    public bool IsSpecial(int id) => Pieces.IsSpecial(id);

    private List<int> EncodeSegments(string text)
    {
        text = UnicodeText.WithoutLoneSurrogates(text);
        var ids = new List<int>(text.Length / 3);
        foreach (var segment in AddedTokens.Split(text))
        {
            if (segment.TokenId is { } id)
            {
                ids.Add(id);
            }
            else
            {
                EncodeStretch(text.Substring(segment.Start, segment.Length), ids);
            }
        }

        return ids;
    }

    private void EncodeStretch(string text, List<int> ids)
    {
        text = Words.Prepare(ComposesText ? NfcNormalizer.Normalize(text) : text);
        foreach (var range in Words.Split(text))
        {
            var word = text.AsSpan(range.Start, range.Length);
            if (WholeWords.Count > 0 && WholeWords.TryGetValue(ByteLevelAlphabet.Spell(word), out var id))
            {
                ids.Add(id);
            }
            else
            {
                ids.AddRange(Library.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
            }
        }
    }
}
