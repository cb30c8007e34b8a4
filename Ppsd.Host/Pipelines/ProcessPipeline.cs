using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;

namespace Ppsd.Host.Pipelines;

/// <summary>
/// One OS process per stage on loopback, started and stopped by this one, which forms their cluster. A process that dies can be
/// replaced.
/// </summary>
internal sealed class ProcessPipeline : IPipeline
{
    /// <summary>The others are this process's own: without it they end by themselves, and it starts new ones.</summary>
    private const string StaysAlone = "akka.cluster.split-brain-resolver.keep-oldest.down-if-alone = off";

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private readonly Func<int, string, ChildProcess> _start;
    private readonly List<ChildProcess> _processes;
    private readonly JoinedPipeline _joined;
    private readonly CancellationTokenSource _stop = new();
    private Task _replacing = Task.CompletedTask;

    private ProcessPipeline(Func<int, string, ChildProcess> start, List<ChildProcess> processes, JoinedPipeline joined)
    {
        _start = start;
        _processes = processes;
        _joined = joined;
    }

    public PpsdClient Client => _joined.Client;

    public PipelineFormed Formed => _joined.Formed;

    /// <summary>Processes of the stages, in no order.</summary>
    public IReadOnlyList<ChildProcess> Processes => _processes;

    /// <summary>Starts the processes and waits until their pipeline stands.</summary>
    /// <param name="plan">The pipeline; a process for each stage.</param>
    /// <param name="arguments">Arguments that each gets.</param>
    /// <param name="node">Addresses and configuration of this process.</param>
    /// <param name="patience">How long to wait for the pipeline.</param>
    /// <param name="report">Told what is being waited for.</param>
    /// <param name="environment">Variables that each process gets beside this one's own.</param>
    /// <exception cref="UserErrorException">A process failed, or the pipeline did not form.</exception>
    public static async Task<ProcessPipeline> StartAsync(
        ClusterPlan plan,
        IReadOnlyList<string> arguments,
        NodeSettings node,
        TimeSpan patience,
        Action<string> report,
        TimeProvider clock,
        CancellationToken cancellation,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        // This process is the oldest member: whichever stages die, it stays, and others find the cluster by it.
        var member = ClusterNode.StartCoordinator(node.Load(NodeRole.Coordinator, StaysAlone), [], plan);
        var processes = new List<ChildProcess>();
        try
        {
            for (var stage = 1; stage <= plan.StagesNeeded; stage++)
            {
                processes.Add(Start(stage, member.Address));
            }

            using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var forming = JoinedPipeline.OfAsync(member, [member.Address], patience, report, clock, failed.Token);
            var ended = Task.WhenAny(processes.Select(process => process.Ended));
            if (await Task.WhenAny(forming, ended) == ended)
            {
                await failed.CancelAsync();
                throw new UserErrorException(await await ended);
            }

            return new ProcessPipeline(Start, processes, await forming);
        }
        catch
        {
            await StopAsync(processes);
            await member.DisposeAsync();
            throw;
        }

        ChildProcess Start(int stage, string seed) =>
            ChildProcess.StartStage([.. arguments, "--stage", $"{stage}", "--seed-node", seed], environment);
    }

    public Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout) => _joined.GetSnapshotAsync(timeout);

    /// <summary>From now on starts another process for each that ends; they join by this one.</summary>
    /// <param name="report">Told which ended and why.</param>
    public void ReplaceTheDead(Action<string> report, TimeProvider clock)
    {
        _replacing = Task.WhenAll(Enumerable.Range(0, _processes.Count).Select(ReplaceAsync));

        async Task ReplaceAsync(int index)
        {
            while (true)
            {
                var dead = _processes[index];
                var reason = await dead.Ended.WaitAsync(_stop.Token);

                // When all processes are stopped at once, this one gets the signal within the pause.
                await Task.Delay(_pause, clock, _stop.Token);
                report($"stage {index + 1}: {reason}; another process takes its place");
                _processes[index] = _start(index + 1, _joined.Address);
                await dead.DisposeAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _replacing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();

        // The client leaves first: a member that goes while it is watched costs the others a failure detection.
        await _joined.DisposeAsync();
        await StopAsync(_processes);
    }

    private static Task StopAsync(IEnumerable<ChildProcess> processes) =>
        Task.WhenAll(processes.Select(process => process.DisposeAsync().AsTask()));
}
