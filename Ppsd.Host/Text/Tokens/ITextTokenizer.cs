namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// Turns text into the token ids of one model and back. Knows nothing of weights, sampling or chat templates.
/// Implementations are immutable and safe for use from several threads at once.
/// </summary>
/// <remarks>
/// The ids are those of the transformers library for the same model folder, with one exception:
/// <see cref="Encode"/> never doubles a beginning-of-text token that the text already spells out.
/// </remarks>
internal interface ITextTokenizer
{
    /// <summary>One more than the largest id with a piece; a model's embedding may be padded beyond it.</summary>
    int VocabSize { get; }

    /// <summary>The beginning-of-text id, or null when the model has none.</summary>
    int? BosId { get; }

    /// <summary>
    /// Every id that ends a text: <c>eos_token_id</c> of generation_config.json (else config.json) and the tokenizer's
    /// own <c>eos_token</c>. Never null; empty when the model names none.
    /// </summary>
    IReadOnlyList<int> EosIds { get; }

    /// <summary>
    /// Whether text begins with a space that only the tokenizer put there (SentencePiece), so that decoding from the
    /// start of a text drops one leading space.
    /// </summary>
    bool DropsLeadingSpace { get; }

    /// <summary>
    /// Encodes a raw prompt. Special tokens spelled in <paramref name="text"/> become their ids. The ids that the
    /// model's files put around a text (usually one beginning-of-text id) are added; those in front only if the text
    /// does not already begin with them.
    /// </summary>
    /// <param name="cancellation">Ends the work within a few milliseconds.</param>
    /// <exception cref="TextException">The vocabulary cannot hold the text.</exception>
    int[] Encode(string text, CancellationToken cancellation = default);

    /// <summary>
    /// Encodes text that a chat template rendered. Special tokens spelled in <paramref name="text"/> become their ids
    /// and nothing is added: the template decides whether there is a beginning-of-text token.
    /// </summary>
    /// <param name="text">The rendered text.</param>
    /// <param name="cancellation">Ends the work within a few milliseconds.</param>
    /// <exception cref="TextException">The vocabulary cannot hold the text.</exception>
    int[] EncodeRendered(string text, CancellationToken cancellation = default);

    /// <summary>
    /// The text of a whole sequence. Special tokens, unless they are kept, and ids without a piece give no text; bytes that are no valid UTF-8
    /// become U+FFFD. For text that continues a prompt use <see cref="StreamingDetokenizer"/>.
    /// </summary>
    /// <param name="keepsSpecials">True to spell special tokens out, as the model's files do.</param>
    string Decode(ReadOnlySpan<int> ids, bool keepsSpecials = false);

    /// <summary>
    /// The UTF-8 bytes that one id adds to the text, possibly a fragment of a character; empty for special tokens and
    /// for ids without a piece. Valid as long as the tokenizer lives.
    /// </summary>
    ReadOnlySpan<byte> PieceBytes(int id);

    /// <summary>The UTF-8 bytes of one id, those of special tokens included; empty for ids without a piece.</summary>
    ReadOnlySpan<byte> SpellingBytes(int id);

    /// <summary>
    /// Whether the id is a special token (beginning or end of text, role markers), which never shows in text.
    /// </summary>
    bool IsSpecial(int id);
}
