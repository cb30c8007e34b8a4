using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// Stands in where a model has no words: text is token ids in decimal with spaces between them. Knows no special tokens.
/// </summary>
/// <param name="vocabSize">Ids are below it.</param>
internal sealed class TokenIdTokenizer(int vocabSize) : ITextTokenizer
{
    private readonly ConcurrentDictionary<int, byte[]> _pieces = new();

    public int VocabSize { get; } = vocabSize;

    public int? BosId => null;

    public IReadOnlyList<int> EosIds => [];

    public bool DropsLeadingSpace => true;

    /// <inheritdoc />
    /// <exception cref="TextException">A word is not an id of the vocabulary.</exception>
    public int[] Encode(string text, CancellationToken cancellation = default) =>
        [.. text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(word => Parse(word, cancellation))];

    public int[] EncodeRendered(string text, CancellationToken cancellation = default) => Encode(text, cancellation);

    public string Decode(ReadOnlySpan<int> ids, bool keepsSpecials = false) => string.Join(' ', ids.ToArray());

    public ReadOnlySpan<byte> PieceBytes(int id) =>
        _pieces.GetOrAdd(id, static id => Encoding.ASCII.GetBytes(" " + id.ToString(CultureInfo.InvariantCulture)));

    public ReadOnlySpan<byte> SpellingBytes(int id) => PieceBytes(id);

    public bool IsSpecial(int id) => false;

    private int Parse(string word, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id < VocabSize
            ? id
            : throw new TextException($"prompt: expected token ids from 0 to {VocabSize - 1}, found '{word}'");
    }
}
