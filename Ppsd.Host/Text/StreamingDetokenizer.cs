using System.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text;

/// <summary>
/// Turns ids into text one at a time and gives out each character as soon as it is certain, never half of one. Knows
/// nothing of stop strings. One instance serves one text; it is not safe for use from several threads at once.
/// </summary>
/// <remarks>
/// What the calls give, joined, is the text of all ids at once: <see cref="ITextTokenizer.Decode"/> of the context and
/// the ids, less the text of the context. So text after a prompt keeps the space that joins it to the prompt, and only
/// a text that begins with nothing before it drops the space that the tokenizer put there. The cost of an id is that of
/// its bytes; nothing is allocated for it.
/// </remarks>
internal sealed class StreamingDetokenizer
{
    private readonly ITextTokenizer _tokenizer;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private char[] _text = new char[64];
    private bool _dropsSpace;

    /// <summary>Begins a text.</summary>
    /// <param name="tokenizer">Knows the pieces.</param>
    /// <param name="context">The ids that the text continues: the prompt, or nothing for a text of its own.</param>
    public StreamingDetokenizer(ITextTokenizer tokenizer, ReadOnlySpan<int> context = default)
    {
        _tokenizer = tokenizer;
        _dropsSpace = tokenizer.DropsLeadingSpace;

        // Read for its effect alone: whether any text came before, and the first bytes of a character it breaks off in.
        foreach (var id in context)
        {
            Append(id);
        }
    }

    /// <summary>Adds an id and returns the text that became certain, often none. Valid until the next call.</summary>
    public ReadOnlySpan<char> Append(int id)
    {
        var bytes = _tokenizer.PieceBytes(id);
        if (_dropsSpace && bytes.Length > 0)
        {
            bytes = bytes[0] == (byte)' ' ? bytes[1..] : bytes;
            _dropsSpace = false;
        }

        return Decode(bytes, flush: false);
    }

    /// <summary>
    /// Ends the text and returns what was held back: U+FFFD if it breaks off in a character, else nothing. Valid until
    /// the next call; ids added later begin a new character.
    /// </summary>
    public ReadOnlySpan<char> Flush() => Decode([], flush: true);

    private ReadOnlySpan<char> Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        var needed = Encoding.UTF8.GetMaxCharCount(bytes.Length);
        if (needed > _text.Length)
        {
            _text = new char[needed];
        }

        return _text.AsSpan(0, _decoder.GetChars(bytes, _text, flush));
    }
}
