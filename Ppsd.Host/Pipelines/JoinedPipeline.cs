using Akka.Actor;
using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;

namespace Ppsd.Host.Pipelines;

/// <summary>The pipeline of a cluster that this process joins as a client.</summary>
internal sealed class JoinedPipeline : IPipeline
{
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _askTimeout = TimeSpan.FromSeconds(2);

    private readonly IAsyncDisposable _member;
    private readonly Func<ClusterNode> _node;
    private readonly TimeProvider _clock;

    private JoinedPipeline(
        IAsyncDisposable member,
        Func<ClusterNode> node,
        PpsdClient client,
        PipelineFormed formed,
        TimeProvider clock
    )
    {
        _clock = clock;
        _member = member;
        _node = node;
        Client = client;
        Formed = formed;
    }

    public PpsdClient Client { get; }

    /// <summary>Address others reach this process at.</summary>
    public string Address => _node().Address;

    public PipelineFormed Formed { get; }

    /// <summary>Joins, again where the cluster removes this process, and waits until the pipeline stands.</summary>
    /// <param name="seeds">Members to join, as <c>akka.tcp://ppsd@HOST:PORT</c> or HOST:PORT.</param>
    /// <param name="node">Addresses of this process.</param>
    /// <param name="patience">How long to wait for the pipeline.</param>
    /// <param name="report">Told what is being waited for, whenever that changes.</param>
    /// <exception cref="UserErrorException">There is no pipeline in time; the line says what is missing.</exception>
    public static async Task<JoinedPipeline> JoinAsync(
        IReadOnlyList<string> seeds,
        NodeSettings node,
        TimeSpan patience,
        Action<string> report,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var config = node.Load(NodeRole.Client);
        List<string> addresses = [.. seeds.Select(SeedAddress.Parse)];
        var member = new LastingMembership(() => ClusterNode.StartClient(config, addresses), clock);
        try
        {
            var formed = await AwaitPipelineAsync(() => member.Node, seeds, patience, report, clock, cancellation);
            return new(member, () => member.Node, member.Client, formed, clock);
        }
        catch
        {
            await member.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the pipeline of a member's cluster stands; the member is this pipeline's from then on.</summary>
    public static async Task<JoinedPipeline> OfAsync(
        ClusterNode member,
        IReadOnlyList<string> seeds,
        TimeSpan patience,
        Action<string> report,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var formed = await AwaitPipelineAsync(() => member, seeds, patience, report, clock, cancellation);
        return new(member, () => member, member.Client, formed, clock);
    }

    public Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout) => _node().GetSnapshotAsync(timeout, _clock);

    public ValueTask DisposeAsync() => _member.DisposeAsync();

    private static async Task<PipelineFormed> AwaitPipelineAsync(
        Func<ClusterNode> member,
        IReadOnlyList<string> seeds,
        TimeSpan patience,
        Action<string> report,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var started = clock.GetTimestamp();
        var said = "";
        while (true)
        {
            string explanation;
            try
            {
                var state = await member().GetPipelineAsync(_askTimeout);
                if (state.Formed is { } formed)
                {
                    return formed;
                }

                explanation = state.Explanation;
            }
            catch (AskTimeoutException)
            {
                explanation = member().JoinTrouble ?? $"no coordinator answers at {string.Join(", ", seeds)}";
            }

            if (clock.GetElapsedTime(started) > patience)
            {
                throw new UserErrorException($"no pipeline after {patience.TotalSeconds:0} s: {explanation}");
            }

            if (explanation != said)
            {
                said = explanation;
                report(explanation);
            }

            await Task.Delay(_pollInterval, clock, cancellation);
        }
    }
}
