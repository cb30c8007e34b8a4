namespace Ppsd.Actors.Client;

/// <summary>When a text's tokens came, by the client's clock. One owner.</summary>
internal sealed class ReadingClock(TimeProvider clock)
{
    private readonly long _askedAt = clock.GetTimestamp();
    private long? _firstTokenAt;
    private long? _lastTokenAt;
    private long _signAt = clock.GetTimestamp();

    /// <summary>Time since the draft stage last said something.</summary>
    public TimeSpan Silence => clock.GetElapsedTime(_signAt);

    /// <summary>From the request to the first token.</summary>
    public TimeSpan TimeToFirstToken => _firstTokenAt is { } first ? clock.GetElapsedTime(_askedAt, first) : default;

    /// <summary>From the first token to the last.</summary>
    public TimeSpan DecodeTime =>
        _firstTokenAt is { } first ? clock.GetElapsedTime(first, _lastTokenAt!.Value) : default;

    /// <summary>The draft stage has said something.</summary>
    public void NoteSign() => _signAt = clock.GetTimestamp();

    /// <summary>A token has come.</summary>
    public void NoteToken()
    {
        _lastTokenAt = clock.GetTimestamp();
        _firstTokenAt ??= _lastTokenAt;
    }
}
