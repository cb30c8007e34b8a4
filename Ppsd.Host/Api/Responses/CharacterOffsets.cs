using System.Buffers;
using System.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Api.Responses;

/// <summary>
/// Where the tokens of a text begin, in characters (Unicode code points, as OpenAI counts them) of the text. Tokens that
/// hold parts of one character begin where it does. One instance for each text.
/// </summary>
internal sealed class CharacterOffsets
{
    private readonly ITextTokenizer _tokenizer;
    private readonly ArrayBufferWriter<byte> _open = new(16);
    private bool _dropsSpace;
    private int _count;

    /// <summary>Starts a text.</summary>
    /// <param name="tokenizer">Holds the tokens' bytes.</param>
    /// <param name="prompt">The tokens that the text continues.</param>
    public CharacterOffsets(ITextTokenizer tokenizer, IReadOnlyList<int> prompt)
    {
        _tokenizer = tokenizer;
        _dropsSpace = tokenizer.DropsLeadingSpace && prompt.All(id => tokenizer.PieceBytes(id).IsEmpty);

        // A prompt of token ids may end inside a character, whose other bytes then come with the text.
        foreach (var id in prompt.TakeLast(MaxCharacterBytes))
        {
            Next(id);
        }

        _count = 0;
    }

    private const int MaxCharacterBytes = 4;

    /// <summary>The characters of the text before a token.</summary>
    public int Next(int token)
    {
        var bytes = _tokenizer.PieceBytes(token);
        if (_dropsSpace && bytes.Length > 0)
        {
            // As the text itself drops it.
            bytes = bytes[0] == (byte)' ' ? bytes[1..] : bytes;
            _dropsSpace = false;
        }

        var start = _open.WrittenCount;
        _open.Write(bytes);
        return Count(start);
    }

    /// <summary>Counts the characters that are complete and keeps the bytes of the one that is not.</summary>
    /// <param name="start">A byte.</param>
    /// <returns>Characters before the one that holds it.</returns>
    private int Count(int start)
    {
        var bytes = _open.WrittenSpan;
        var position = 0;
        int? before = null;
        while (position < bytes.Length)
        {
            var status = Rune.DecodeFromUtf8(bytes[position..], out _, out var length);
            if (status == OperationStatus.NeedMoreData)
            {
                break;
            }

            before ??= position + length > start ? _count : null;
            _count++;
            position += length;
        }

        var rest = bytes[position..].ToArray();
        _open.ResetWrittenCount();
        _open.Write(rest);
        return before ?? _count;
    }
}
