using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Telemetry;

/// <summary>
/// Back-pressure: a limited number of requests runs, a limited number waits in turn, and further ones are refused.
/// Thread-safe.
/// </summary>
/// <param name="maxRunning">Requests on the pipeline at once.</param>
/// <param name="maxWaiting">Requests that may wait.</param>
internal sealed class RequestGate(int maxRunning, int maxWaiting) : IDisposable
{
    private readonly SemaphoreSlim _places = new(maxRunning);
    private int _running;
    private int _waiting;

    /// <summary>Requests on the pipeline.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Requests that wait.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Refuses requests that take several places at once and cannot all run or wait.</summary>
    /// <param name="count">Places.</param>
    /// <exception cref="ApiException">Too many, now or ever.</exception>
    public void RequireRoom(int count)
    {
        var most = maxRunning + maxWaiting;
        if (count > most)
        {
            throw ApiException.BadRequest(
                $"expected at most {most} texts in a request, found {count}",
                null,
                "invalid_value"
            );
        }

        if (count > 1 && Running + Waiting + count > most)
        {
            throw Full();
        }
    }

    /// <summary>Waits for a place; dispose what comes back to free it.</summary>
    /// <exception cref="ApiException">Too many wait already.</exception>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellation)
    {
        if (!_places.Wait(0, CancellationToken.None))
        {
            await WaitAsync(cancellation);
        }

        Interlocked.Increment(ref _running);
        return new Place(this);
    }

    public void Dispose() => _places.Dispose();

    private async Task WaitAsync(CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > maxWaiting)
            {
                throw Full();
            }

            await _places.WaitAsync(cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private ApiException Full() =>
        ApiException.QueueFull($"{maxRunning} requests are running and {maxWaiting} wait already; try again later");

    private void Leave()
    {
        Interlocked.Decrement(ref _running);
        _places.Release();
    }

    /// <summary>A place taken; given back once.</summary>
    private sealed class Place(RequestGate gate) : IDisposable
    {
        private int _isGone;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isGone, 1) == 0)
            {
                gate.Leave();
            }
        }
    }
}
