using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>Small clusters, where one node that dies is half of them: the rest must stay and take another in.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SplitBrainTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _askTimeout = TimeSpan.FromSeconds(1);

    /// <summary>With a vote by majority the lower address would win a tie, dead or not.</summary>
    [Test]
    public async Task Of_two_stages_and_a_coordinator_either_stage_may_die([Values(true, false)] bool lowerAddress)
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        var coordinator = cluster.AddCoordinator();
        ClusterNode[] stages = [cluster.AddStage(), cluster.AddStage()];
        await AssertSurvivedAsync(
            cluster,
            lowerAddress ? stages.MinBy(PortOf)! : stages.MaxBy(PortOf)!,
            asker: coordinator
        );
    }

    [Test]
    public async Task The_only_stage_of_a_coordinator_may_die()
    {
        await using var cluster = new ToyCluster(1, ToyDrafters.Mostly);
        var coordinator = cluster.AddCoordinator();
        await AssertSurvivedAsync(cluster, cluster.AddStage(), asker: coordinator);
    }

    [Test]
    public async Task The_second_of_two_stages_may_die()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        var first = cluster.AddStage();
        await AssertSurvivedAsync(cluster, cluster.AddStage(), asker: first);
    }

    [Test]
    public async Task The_first_node_of_three_may_die()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        var first = cluster.AddStage();
        var second = cluster.AddStage();
        cluster.AddCoordinator();
        await AssertSurvivedAsync(cluster, first, asker: second);
    }

    /// <summary>
    /// A node that names itself first and then others forms a cluster where there is none, and joins the one that is left when
    /// it comes back. One that names nobody would form another, and no stage would ever come to it.
    /// </summary>
    [Test]
    public async Task The_node_that_formed_the_cluster_comes_back_to_it()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        var port = FreePort();
        var first = cluster.AddCoordinator(port, [$"127.0.0.1:{port}"]);
        var stage = cluster.AddStage();
        cluster.AddStage();
        var before = await ToyCluster.FormedAsync(stage);

        await cluster.RemoveAsync(first);
        var back = cluster.AddCoordinator(port, [$"127.0.0.1:{port}", stage.Address]);

        var after = await ToyCluster.FormedAsync(back);
        Assert.That(after.Epoch, Is.EqualTo(before.Epoch), "the pipeline has stood all the time");
    }

    private static async Task AssertSurvivedAsync(ToyCluster cluster, ClusterNode victim, ClusterNode asker)
    {
        var before = await ToyCluster.FormedAsync(asker);
        await UntilAsync(
            asker,
            members => members.Count == cluster.Nodes.Count && members.All(member => member.Status == "Up")
        );
        await cluster.CrashAsync(victim);
        await UntilAsync(asker, members => members.All(member => member.Address != victim.Address));
        await ToyCluster.StateAsync(asker, state => state.Formed is null);

        cluster.AddStage();
        var after = await ToyCluster.FormedAsync(asker);
        var result = await asker.Client.RunAsync(ToyPipeline.Request([1, 2], 20));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(after.Epoch.Value, Is.GreaterThan(before.Epoch.Value));
            Assert.That(
                result.Tokens,
                Is.EqualTo(cluster.Model.Generate(ToyPipeline.Request([1, 2], 20).Prompt, 20, SamplingSettings.Greedy))
            );
        }
    }

    private static async Task UntilAsync(ClusterNode asker, Func<IReadOnlyList<MemberSnapshot>, bool> isReached)
    {
        var started = Stopwatch.GetTimestamp();
        while (!isReached((await asker.GetSnapshotAsync(_askTimeout, TimeProvider.System)).Members))
        {
            Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(_patience), "the members are not as expected");
            await Task.Delay(50);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static int PortOf(ClusterNode node) => new Uri(node.Address).Port;
}
