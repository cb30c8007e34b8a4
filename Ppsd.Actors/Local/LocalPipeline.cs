using Akka.Actor;
using Akka.Configuration;
using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;
using Ppsd.Actors.Stages;

namespace Ppsd.Actors.Local;

/// <summary>A pipeline whose stages are all actors of this process, each on its own thread.</summary>
public sealed class LocalPipeline : IAsyncDisposable
{
    /// <summary>Name of the actor system.</summary>
    internal const string SystemName = "ppsd";

    private readonly ActorSystem _system;

    private LocalPipeline(ActorSystem system, PipelineFormed formed)
    {
        _system = system;
        Formed = formed;
        Client = new PpsdClient(system, formed.Stages[0].Actor);
    }

    /// <summary>The stages.</summary>
    public PipelineFormed Formed { get; }

    /// <summary>Starts generations on this pipeline.</summary>
    public PpsdClient Client { get; }

    /// <summary>Starts stage actors, waits until all have loaded and forms the pipeline.</summary>
    /// <param name="runtimes">Loads each stage's runtime, in order; called on the stages' own threads, at the same time.</param>
    /// <param name="modelFingerprint">Fingerprint of the model, or empty.</param>
    /// <param name="config">Configuration of role <see cref="NodeRole.Local"/>.</param>
    /// <param name="prepared">An actor system of that role that was made ahead; null to make one now.</param>
    /// <exception cref="PipelineException">A stage could not be loaded.</exception>
    public static async Task<LocalPipeline> StartAsync(
        IReadOnlyList<Func<IStageRuntime>> runtimes,
        string modelFingerprint,
        Config config,
        TimeProvider clock,
        PreparedSystem? prepared = null
    )
    {
        var options = PpsdConfig.PipelineOptions(config);
        var system = prepared is null
            ? ActorSystem.Create(SystemName, config)
            : await prepared.TakeAsync().ConfigureAwait(false);
        var formed = new TaskCompletionSource<PipelineFormed>(TaskCreationOptions.RunContinuationsAsynchronously);
        system.ActorOf(
            Props.Create(() => new LocalPipelineActor(runtimes, modelFingerprint, options, clock, formed)),
            "pipeline"
        );
        try
        {
            return new LocalPipeline(system, await formed.Task.ConfigureAwait(false));
        }
        catch
        {
            await system.Terminate().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Figures of all stages, in order.</summary>
    public Task<StageStatus[]> StatusAsync() => PipelineStatus.AskAsync(Formed);

    /// <summary>The pipeline as a cluster of this process alone.</summary>
    /// <param name="timeout">How long to wait for each stage.</param>
    public async Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var address = $"akka://{_system.Name}";
        return new ClusterSnapshot
        {
            TakenAt = clock.GetUtcNow(),
            Members = [new MemberSnapshot(address, ["stage"], "Up", true, IsCoordinator: false, IsSelf: true)],
            HasCoordinator = true,
            IsFormed = true,
            IsAdmitting = true,
            Explanation = $"the pipeline stands: {Formed.Stages.Length} stages in one process",
            Epoch = Formed.Epoch.Value,
            ModelFingerprint = Formed.ModelFingerprint,
            Stages = await StageSnapshot.AskAllAsync(Formed, address, timeout).ConfigureAwait(false),
        };
    }

    /// <summary>Stops the stages and frees their devices.</summary>
    public async ValueTask DisposeAsync() => await _system.Terminate().ConfigureAwait(false);
}
