using System.Collections.Concurrent;
using System.Diagnostics;

namespace Ppsd.Actors.Links;

/// <summary>
/// A way to one peer on which each message takes a while longer, in the order they were sent: a slow network, for benchmarks
/// and tests. A thread of its own hands them on.
/// </summary>
internal sealed class DelayLine : IDisposable
{
    private readonly BlockingCollection<(long Due, object Message)> _messages = [];
    private readonly ManualResetEventSlim _closed = new();
    private readonly long _delayTicks;
    private readonly Action<object> _deliver;

    /// <param name="delay">What each message is held back.</param>
    /// <param name="deliver">Hands a message on; called on the line's thread.</param>
    public DelayLine(TimeSpan delay, Action<object> deliver)
    {
        _delayTicks = (long)(delay.TotalSeconds * Stopwatch.Frequency);
        _deliver = deliver;
        new Thread(Run) { IsBackground = true, Name = "ppsd-delay-line" }.Start();
    }

    /// <summary>Sends a message.</summary>
    public void Send(object message) => _messages.Add((Stopwatch.GetTimestamp() + _delayTicks, message));

    /// <summary>Ends the line; messages on their way are lost, as in a broken connection.</summary>
    public void Dispose()
    {
        _messages.CompleteAdding();
        _closed.Set();
    }

    private void Run()
    {
        foreach (var (due, message) in _messages.GetConsumingEnumerable())
        {
            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (_closed.Wait(wait > TimeSpan.Zero ? wait : TimeSpan.Zero))
            {
                return;
            }

            _deliver(message);
        }
    }
}
