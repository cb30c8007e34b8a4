using System.Text;

namespace Ppsd.Host.Terminal;

/// <summary>
/// Leaves out blanks at the ends of lines: tables pad their cells, which is useless outside a terminal. For one thread
/// at a time.
/// </summary>
/// <param name="inner">Where the rest goes; stays the caller's.</param>
internal sealed class TrimmingWriter(TextWriter inner) : TextWriter
{
    private readonly StringBuilder _pending = new();
    private int _blanks;

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value)
    {
        Take(value);
        Pass();
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        foreach (var character in buffer)
        {
            Take(character);
        }

        Pass();
    }

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Flush() => inner.Flush();

    private void Take(char character)
    {
        if (character == ' ')
        {
            _blanks++;
            return;
        }

        // Blanks before a line's end are dropped; before anything else they count.
        _pending.Append(' ', character is '\n' or '\r' ? 0 : _blanks);
        _blanks = 0;
        _pending.Append(character);
    }

    private void Pass()
    {
        if (_pending.Length > 0)
        {
            inner.Write(_pending.ToString());
            _pending.Clear();
        }
    }
}
