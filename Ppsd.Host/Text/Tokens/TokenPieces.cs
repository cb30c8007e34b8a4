using System.Buffers;
using System.Text;

namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// The bytes that each token id adds to a text, and which ids are special. Immutable once built; the bytes of all
/// pieces lie in one array, so that 128 000 pieces cost no 128 000 objects.
/// </summary>
internal sealed class TokenPieces
{
    /// <summary>Ids must be below this bound; it only keeps a damaged file from claiming gigabytes.</summary>
    public const int MaxCount = 1 << 24;

    private readonly ArrayBufferWriter<byte> _bytes = new(1 << 16);
    private readonly (int Start, int Length)[] _pieces; // [Count]
    private readonly bool[] _special; // [Count]

    /// <summary>Creates a table of <paramref name="count"/> ids, none of which has a piece yet.</summary>
    public TokenPieces(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxCount);
        _pieces = new (int, int)[count];
        _special = new bool[count];
    }

    /// <summary>One more than the largest id.</summary>
    public int Count => _pieces.Length;

    /// <summary>The bytes that the id adds to a text; empty for special ids and ids without a piece.</summary>
    public ReadOnlySpan<byte> this[int id] => IsSpecial(id) ? [] : Spelling(id);

    /// <summary>Whether the id never shows in text.</summary>
    public bool IsSpecial(int id) => (uint)id < (uint)_special.Length && _special[id];

    /// <summary>The bytes that spell the id, special or not; empty for ids without a piece.</summary>
    public ReadOnlySpan<byte> Spelling(int id)
    {
        if ((uint)id >= (uint)_pieces.Length)
        {
            return [];
        }

        var (start, length) = _pieces[id];
        return _bytes.WrittenSpan.Slice(start, length);
    }

    /// <summary>While building: gives an id its bytes, replacing earlier ones.</summary>
    public void Set(int id, ReadOnlySpan<byte> bytes)
    {
        _pieces[id] = (_bytes.WrittenCount, bytes.Length);
        _bytes.Write(bytes);
    }

    /// <summary>While building: gives an id the UTF-8 bytes of its text, replacing earlier ones.</summary>
    public void Set(int id, ReadOnlySpan<char> text)
    {
        var start = _bytes.WrittenCount;
        Encoding.UTF8.GetBytes(text, _bytes);
        _pieces[id] = (start, _bytes.WrittenCount - start);
    }

    /// <summary>While building: the id never shows in text.</summary>
    public void MarkSpecial(int id) => _special[id] = true;

    /// <summary>The text of a whole sequence; invalid UTF-8 becomes U+FFFD.</summary>
    /// <param name="dropLeadingSpace">Whether a space at the start of the text is the tokenizer's own.</param>
    /// <param name="keepsSpecials">Whether special tokens are spelled out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool dropLeadingSpace, bool keepsSpecials = false)
    {
        var length = 0;
        foreach (var id in ids)
        {
            length += Piece(id).Length;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(length);
        var text = buffer.AsSpan(0, length);
        var rest = text;
        foreach (var id in ids)
        {
            var piece = Piece(id);
            piece.CopyTo(rest);
            rest = rest[piece.Length..];
        }

        var decoded = Encoding.UTF8.GetString(dropLeadingSpace && text.StartsWith(" "u8) ? text[1..] : text);
        ArrayPool<byte>.Shared.Return(buffer);
        return decoded;

        ReadOnlySpan<byte> Piece(int id) => keepsSpecials ? Spelling(id) : this[id];
    }
}
