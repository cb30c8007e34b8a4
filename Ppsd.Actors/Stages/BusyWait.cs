namespace Ppsd.Actors.Stages;

/// <summary>
/// Keeps a stage's thread awake for a while after it has worked: it looks for messages instead of sleeping. A sleeping
/// thread, with the processor below it, takes 50 to 200 us to wake, at each hop; while the device works the thread is awake
/// anyway. Used by the stage's thread.
/// </summary>
/// <param name="clock">Time of the stage.</param>
/// <param name="patience">How long it looks; zero never to look.</param>
internal sealed class BusyWait(TimeProvider clock, TimeSpan patience)
{
    private long? _workedAt;

    /// <summary>The stage has worked.</summary>
    public void NoteWork() => _workedAt = clock.GetTimestamp();

    /// <summary>Returns when a message is there, or enough time has passed since the stage last worked.</summary>
    public void Look(Func<bool> hasMessages)
    {
        if (_workedAt is not { } workedAt || patience == TimeSpan.Zero)
        {
            return;
        }

        while (!hasMessages())
        {
            if (clock.GetElapsedTime(workedAt) >= patience)
            {
                _workedAt = null;
                return;
            }

            Thread.SpinWait(8);
        }
    }
}
