using System.Buffers;
using System.Collections.Frozen;
using System.Text;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// The alphabet of byte-level BPE: each of the 256 bytes is spelled as one printable character, so that pieces can be
/// written as text. Printable Latin-1 bytes stand for themselves, the others count up from U+0100 (a space is U+0120).
/// </summary>
internal static class ByteLevelAlphabet
{
    private static readonly char[] _chars = BuildChars(); // [256]
    private static readonly FrozenDictionary<char, byte> _bytes = _chars
        .Index()
        .ToFrozenDictionary(entry => entry.Item, entry => (byte)entry.Index);

    /// <summary>The character that spells a byte.</summary>
    public static char CharOf(byte value) => _chars[value];

    /// <summary>Spells text as the characters of its UTF-8 bytes.</summary>
    public static string Spell(ReadOnlySpan<char> text)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var count = Encoding.UTF8.GetBytes(text, bytes);
        var spelled = string.Create(
            count,
            bytes,
            static (target, bytes) =>
            {
                for (var i = 0; i < target.Length; i++)
                {
                    target[i] = _chars[bytes[i]];
                }
            }
        );
        ArrayPool<byte>.Shared.Return(bytes);
        return spelled;
    }

    /// <summary>
    /// Writes the bytes that a piece spells and returns true, or returns false if a character spells none.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<char> piece, Span<byte> bytes)
    {
        for (var i = 0; i < piece.Length; i++)
        {
            if (!_bytes.TryGetValue(piece[i], out bytes[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static char[] BuildChars()
    {
        var chars = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var standsForItself = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            chars[value] = standsForItself ? (char)value : (char)next++;
        }

        return chars;
    }
}
