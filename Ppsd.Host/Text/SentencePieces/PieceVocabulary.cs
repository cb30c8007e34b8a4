using System.Globalization;

namespace Ppsd.Host.Text.SentencePieces;

/// <summary>The pieces of a tokenizer.json that was made from a SentencePiece model. Immutable.</summary>
internal sealed class PieceVocabulary
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids;

    /// <summary>Creates it.</summary>
    /// <param name="ids">The pieces with their ids.</param>
    /// <param name="unknownId">What stands for text outside of the vocabulary; null for nothing.</param>
    /// <param name="usesBytes">Whether such text becomes the pieces of its UTF-8 bytes.</param>
    public PieceVocabulary(Dictionary<string, int> ids, int? unknownId, bool usesBytes)
    {
        Ids = ids;
        _ids = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        UnknownId = unknownId;
        ByteIds = usesBytes
            ?
            [
                .. Enumerable
                    .Range(0, 256)
                    .Select(value => ids.TryGetValue($"<0x{value:X2}>", out var id) ? id : (int?)null),
            ]
            : [];
    }

    /// <summary>The pieces with their ids.</summary>
    public Dictionary<string, int> Ids { get; }

    /// <summary>What stands for text outside of the vocabulary; null for nothing.</summary>
    public int? UnknownId { get; }

    /// <summary>[256] The piece of each byte, null where there is none; empty when bytes are not used.</summary>
    public IReadOnlyList<int?> ByteIds { get; }

    /// <summary>Finds a piece.</summary>
    public bool TryFind(ReadOnlySpan<char> text, out int id) => _ids.TryGetValue(text, out id);

    /// <summary>
    /// The ids of text that is not a piece: its bytes where all have a piece, else one unknown piece, else nothing.
    /// </summary>
    /// <param name="ids">Receives the ids.</param>
    public void AddUnknown(ReadOnlySpan<char> text, List<int> ids)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text.ToString());
        if (ByteIds.Count > 0 && Array.TrueForAll(bytes, value => ByteIds[value] is not null))
        {
            ids.AddRange(bytes.Select(value => ByteIds[value]!.Value));
        }
        else if (UnknownId is { } unknown)
        {
            ids.Add(unknown);
        }
    }

    /// <summary>The pieces in the order of their ids; ids without a piece are unused ones.</summary>
    public IReadOnlyList<SentencePiece> ToPieces()
    {
        var pieces = new SentencePiece[Ids.Count == 0 ? 0 : Ids.Values.Max() + 1];
        Array.Fill(pieces, new SentencePiece("", 0, SentencePieceKind.Unused));
        foreach (var (text, id) in Ids)
        {
            var kind =
                id == UnknownId ? SentencePieceKind.Unknown
                : ByteIds.Count > 0 && IsByte(text) ? SentencePieceKind.Byte
                : SentencePieceKind.Normal;
            pieces[id] = new SentencePiece(text, 0, kind);
        }

        return pieces;
    }

    private static bool IsByte(string text) =>
        text.Length == 6
        && text.StartsWith("<0x", StringComparison.Ordinal)
        && text[5] == '>'
        && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);
}
