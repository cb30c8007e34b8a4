namespace Ppsd.Host.Bench.Serving;

/// <summary>Drives a server at a fixed concurrency or request rate.</summary>
/// <param name="client">Sends them.</param>
internal sealed class ServeBench(ServeClient client, TimeProvider clock)
{
    /// <summary>Sends requests and waits for all answers.</summary>
    /// <param name="requests">Taken in turn, over and over.</param>
    /// <param name="settings">Number of requests and concurrency or rate.</param>
    public async Task<ServeRound> RunAsync(
        IReadOnlyList<ServeRequest> requests,
        ServeBenchSettings settings,
        CancellationToken cancellation
    )
    {
        using var places = new SemaphoreSlim(settings.Concurrency);
        var running = new List<Task<ServeSample>>();
        var started = clock.GetTimestamp();
        for (var i = 0; i < settings.RequestCount; i++)
        {
            await WaitForTurnAsync(i, started, settings, cancellation);
            await places.WaitAsync(cancellation);
            running.Add(RunOneAsync(requests[i % requests.Count], places, cancellation));
        }

        var samples = await Task.WhenAll(running);
        return new ServeRound(settings.Concurrency, samples, clock.GetElapsedTime(started));
    }

    private async Task WaitForTurnAsync(
        int index,
        long started,
        ServeBenchSettings settings,
        CancellationToken cancellation
    )
    {
        var due = TimeSpan.FromSeconds(index / settings.RequestsPerSecond) - clock.GetElapsedTime(started);
        if (due > TimeSpan.Zero)
        {
            await Task.Delay(due, clock, cancellation);
        }
    }

    private async Task<ServeSample> RunOneAsync(
        ServeRequest request,
        SemaphoreSlim places,
        CancellationToken cancellation
    )
    {
        try
        {
            return await client.RunAsync(request, cancellation);
        }
        finally
        {
            places.Release();
        }
    }
}
