using System.Threading.Channels;

namespace Ppsd.Actors.Text;

/// <summary>
/// Places for segments on their way to a reader. A reader that gives back more than it got gains nothing. Thread-safe.
/// </summary>
internal sealed class ReaderWindow
{
    /// <summary>Most places a reader may ask for: what a node is willing to have under way for one text.</summary>
    public const int MaxSize = 256;

    private readonly Channel<int> _free;

    /// <summary>Makes a window.</summary>
    /// <param name="size">Places, clamped to 1 to <see cref="MaxSize"/>.</param>
    public ReaderWindow(int size)
    {
        size = Math.Clamp(size, 1, MaxSize);
        _free = Channel.CreateBounded<int>(size);
        Return(size);
    }

    /// <summary>Waits for a place.</summary>
    public async Task TakeAsync(CancellationToken cancellation) =>
        await _free.Reader.ReadAsync(cancellation).ConfigureAwait(false);

    /// <summary>Frees places, at most those that are taken.</summary>
    public void Return(int count)
    {
        while (count-- > 0 && _free.Writer.TryWrite(0)) { }
    }
}
