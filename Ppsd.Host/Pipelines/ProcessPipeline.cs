using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;

namespace Ppsd.Host.Pipelines;

/// <summary>One OS process per stage on loopback, started and stopped by this one, which joins them as a client.</summary>
internal sealed class ProcessPipeline : IPipeline
{
    private readonly IReadOnlyList<StageProcess> _processes;
    private readonly JoinedPipeline _joined;

    private ProcessPipeline(IReadOnlyList<StageProcess> processes, JoinedPipeline joined)
    {
        _processes = processes;
        _joined = joined;
    }

    public PpsdClient Client => _joined.Client;

    public PipelineFormed Formed => _joined.Formed;

    /// <summary>Processes of the stages, in no order.</summary>
    public IReadOnlyList<StageProcess> Processes => _processes;

    /// <summary>Starts the processes and waits until their pipeline stands.</summary>
    /// <param name="count">Processes, one a stage.</param>
    /// <param name="arguments">Arguments that each gets.</param>
    /// <param name="node">Addresses and configuration of this process.</param>
    /// <param name="patience">How long to wait for the pipeline.</param>
    /// <param name="report">Told what is being waited for.</param>
    /// <param name="clock">Time.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="UserErrorException">A process failed, or the pipeline did not form.</exception>
    public static async Task<ProcessPipeline> StartAsync(
        int count,
        IReadOnlyList<string> arguments,
        NodeSettings node,
        TimeSpan patience,
        Action<string> report,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var processes = new List<StageProcess>();
        try
        {
            // The first forms the cluster; the others need its address to join.
            processes.Add(StageProcess.Start([.. arguments, "--stage", "1"]));
            var seed = await processes[0].AddressAsync(cancellation);
            for (var stage = 2; stage <= count; stage++)
            {
                processes.Add(StageProcess.Start([.. arguments, "--stage", $"{stage}", "--seed-node", seed]));
            }

            using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var joining = JoinedPipeline.JoinAsync([seed], node, patience, report, clock, failed.Token);
            var ended = Task.WhenAny(processes.Select(process => process.Ended));
            if (await Task.WhenAny(joining, ended) == ended)
            {
                await failed.CancelAsync();
                throw new UserErrorException(await await ended);
            }

            return new ProcessPipeline(processes, await joining);
        }
        catch
        {
            await StopAsync(processes);
            throw;
        }
    }

    public Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout) => _joined.GetSnapshotAsync(timeout);

    public async ValueTask DisposeAsync()
    {
        // The client leaves first: a member that goes while it is watched costs the others a failure detection.
        await _joined.DisposeAsync();
        await StopAsync(_processes);
    }

    private static Task StopAsync(IEnumerable<StageProcess> processes) =>
        Task.WhenAll(processes.Select(process => process.DisposeAsync().AsTask()));
}
