using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Telemetry;

/// <summary>
/// Takes a snapshot of the pipeline once a second, for readiness, metrics and the page; every other second of one that stands
/// and has nothing to do. Reading <see cref="Latest"/> sends nothing.
/// </summary>
internal sealed class PipelineWatch : IAsyncDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    // Each look wakes every stage's thread, which is much of what an idle server takes.
    private static readonly TimeSpan _idleInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly IPipelineAccess _pipeline;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private volatile Look _latest;

    private PipelineWatch(IPipelineAccess pipeline, TimeProvider clock, ClusterSnapshot first)
    {
        _pipeline = pipeline;
        _clock = clock;
        _latest = new Look(first, null);
        _loop = LoopAsync();
    }

    /// <summary>How the pipeline stood at the last look.</summary>
    public ClusterSnapshot Latest => _latest.Snapshot;

    /// <summary>Longest text that the pipeline holds, in tokens; null while its first stage has not answered.</summary>
    public int? MaxTextLength => Latest.Sessions is { MaxTextLength: > 0 and var length } ? length : null;

    /// <summary>How the pipeline computes, in words; null while there is none.</summary>
    public string? Arithmetic => _latest.Arithmetic;

    /// <summary>What happened between the last two looks; null after the first.</summary>
    public SnapshotRates? Rates => _latest.Rates;

    private bool IsIdle =>
        Latest.Sessions is { Running: 0, Waiting: 0 } && Rates is { TokensPerSecond: 0 } && Missing() is null;

    /// <summary>Takes the first snapshot and starts the timer.</summary>
    public static async Task<PipelineWatch> StartAsync(IPipelineAccess pipeline, TimeProvider clock) =>
        new(pipeline, clock, await pipeline.GetSnapshotAsync(_patience));

    /// <summary>What keeps the pipeline from serving, in words; null when all its stages answer.</summary>
    public string? Missing()
    {
        var latest = Latest;
        var silent = latest.Stages.Where(stage => stage.Status is null).Select(stage => $"stage {stage.Stage.Number}");
        return !latest.IsFormed ? latest.Explanation
            : silent.Any() ? $"no answer from {string.Join(", ", silent)}"
            : null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        while (true)
        {
            await Task.Delay(IsIdle ? _idleInterval : _interval, _clock, _stop.Token);
            var snapshot = await _pipeline.GetSnapshotAsync(_patience);
            _latest = new Look(snapshot, SnapshotRates.Between(_latest.Snapshot, snapshot));
        }
    }

    private sealed record Look(ClusterSnapshot Snapshot, SnapshotRates? Rates)
    {
        /// <summary>Made once a look: each chunk of a stream asks for it.</summary>
        public string? Arithmetic { get; } =
            Snapshot.Stages.Count > 0
                ? PipelineArithmetic.Of(Snapshot.ModelFingerprint, Snapshot.Stages.Select(stage => stage.Description))
                : null;
    }
}
