using System.Globalization;

namespace Ppsd.Host.Terminal;

/// <summary>
/// Progress of hashing a model's weights, on standard error: nothing for the first moment, then a line that counts up on a
/// terminal, or one line elsewhere. For one thread at a time; disposing takes the line away.
/// </summary>
internal sealed class HashingView : IProgress<long>, IDisposable
{
    private const string EraseLine = "\r\u001b[K";
    private static readonly TimeSpan _moment = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _clock;
    private readonly TextWriter _error;
    private readonly bool _isTerminal;
    private readonly double _totalGigabytes;
    private readonly long _opened;
    private TimeSpan _next = _moment;

    /// <summary>Opens the view.</summary>
    /// <param name="totalBytes">Bytes of all weights.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="isTerminal">True when that is a terminal.</param>
    public HashingView(long totalBytes, TextWriter error, bool isTerminal, TimeProvider clock)
    {
        _clock = clock;
        _error = error;
        _isTerminal = isTerminal;
        _totalGigabytes = totalBytes / 1e9;
        _opened = clock.GetTimestamp();
    }

    /// <summary>Opens a view on standard error.</summary>
    /// <param name="folder">The model's folder; null for the bundled one.</param>
    public static HashingView Open(string? folder, TimeProvider clock)
    {
        var files = Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles("*.safetensors") : [];
        return new HashingView(files.Sum(file => file.Length), Console.Error, ErrorConsole.IsTerminal, clock);
    }

    /// <summary>More bytes have been hashed.</summary>
    /// <param name="value">All until now.</param>
    public void Report(long value)
    {
        var now = _clock.GetElapsedTime(_opened);
        if (now < _next)
        {
            return;
        }

        if (_isTerminal)
        {
            _error.Write(EraseLine + Text($"hashing weights: {value / 1e9:0.0} of {_totalGigabytes:0.0} GB"));
            _next = now + _pause;
        }
        else
        {
            _error.WriteLine(Text($"hashing weights: {_totalGigabytes:0.0} GB; the result is kept for the next time"));
            _next = TimeSpan.MaxValue;
        }
    }

    public void Dispose()
    {
        if (_isTerminal && _next > _moment)
        {
            _error.Write(EraseLine);
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
