using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Remoting;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Security;

/// <summary>Actor systems that do not belong to the cluster and reach its ports all the same.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StrangerTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(1);

    [Test]
    public async Task What_stops_actors_does_nothing_when_a_foreign_system_sends_it()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: "akka.loglevel = OFF");
        var nodes = new[] { cluster.AddStage(), cluster.AddStage() };
        var formed = await ToyCluster.FormedAsync(nodes[1]);
        await using var foreign = Foreign();
        List<string> victims =
        [
            .. formed.Stages.Select(stage => stage.Actor.Path.ToSerializationFormat()),
            $"{nodes[0].Address}/user/stage-host",
            $"{nodes[0].Address}/user/text-gateway",
            $"{nodes[0].Address}/user/coordinator",
            $"{nodes[0].Address}/user/coordinator/singleton",
            $"{nodes[0].Address}/user/coordinator/singleton/actor",
            $"{nodes[0].Address}/system/cluster/core/daemon",
        ];
        var before = Refused(nodes);
        foreach (var victim in victims)
        {
            var actor = (IInternalActorRef)((ExtendedActorSystem)foreign.System).Provider.ResolveActorRef(victim);
            actor.Tell(Kill.Instance);
            actor.Tell(PoisonPill.Instance);
            actor.SendSystemMessage(new Suspend());
            actor.SendSystemMessage(new Terminate());
            foreign.System.ActorSelection(victim).Tell(Kill.Instance);
        }

        Assert.That(await foreign.DrainAsync(nodes[1].Address, _silence), Is.Null, "a foreign system drained a node");
        await UntilAsync(() => Refused(nodes) - before >= 5 * victims.Count);
        var result = await nodes[1].Client.RunAsync(ToyPipeline.Request([1, 2], 40));
        var after = await nodes[1].GetSnapshotAsync(_patience, TimeProvider.System);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                result.Tokens,
                Is.EqualTo(cluster.Model.Generate([new TokenId(1), new TokenId(2)], 40, SamplingSettings.Greedy))
            );
            Assert.That(after.Epoch, Is.EqualTo(formed.Epoch.Value), "the pipeline had to be formed anew");
            Assert.That(after.Members, Has.Count.EqualTo(2));
        }
    }

    [Test]
    public async Task A_coordinator_that_stops_all_the_same_is_started_anew_and_takes_the_pipeline_over()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: "akka.loglevel = OFF");
        var first = cluster.AddStage();
        cluster.AddStage();
        var formed = await ToyCluster.FormedAsync(first);
        foreach (var path in new[] { "/user/coordinator/singleton/actor", "/user/stage-host", "/user/text-gateway" })
        {
            first.System.ActorSelection(path).Tell(Kill.Instance);
        }

        var result = await first.Client.RunAsync(ToyPipeline.Request([1, 2], 40));
        Assert.That(
            result.Tokens,
            Is.EqualTo(cluster.Model.Generate([new TokenId(1), new TokenId(2)], 40, SamplingSettings.Greedy))
        );
        Assert.That((await ToyCluster.FormedAsync(first)).Epoch.Value, Is.GreaterThanOrEqualTo(formed.Epoch.Value));
    }

    [Test]
    public async Task Who_cannot_prove_the_clusters_secret_does_not_get_past_the_handshake()
    {
        var secret = ClusterSecret.Hocon("correct horse \"battery\" \\ staple");
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: secret + "akka.loglevel = OFF");
        var first = cluster.AddStage();
        cluster.AddStage();
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);
        var seed = first.Address.Split('@')[1];
        await using var wrong = Foreign(ClusterSecret.Hocon("incorrect"), seed);
        await using var none = Foreign("", seed);
        await using var open = Foreign();

        var result = await client.Client.RunAsync(ToyPipeline.Request([1, 2], 40));
        await UntilAsync(() => Trouble(wrong) is not null && Trouble(none) is not null);
        Assert.That(await first.DrainAsync(open.Address, _silence), Is.Null);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                result.Tokens,
                Is.EqualTo(cluster.Model.Generate([new TokenId(1), new TokenId(2)], 40, SamplingSettings.Greedy))
            );
            Assert.That(
                Trouble(wrong),
                Is.EqualTo($"{seed} has another cluster secret (--cluster-secret) than this node")
            );
            Assert.That(
                Trouble(none),
                Is.EqualTo($"{seed} expects a cluster secret (--cluster-secret), this node has none")
            );
            Assert.That(
                Trouble(first),
                Is.EqualTo($"{open.Address.Split('@')[1]} has no cluster secret, this node has one (--cluster-secret)")
            );
            Assert.That((await client.GetSnapshotAsync(_patience, TimeProvider.System)).Members, Has.Count.EqualTo(3));
        }
    }

    private static string? Trouble(ClusterNode node) => JoinTroubles.Of(node.System).Any;

    private static long Refused(IEnumerable<ClusterNode> nodes) =>
        nodes.Sum(node => WireRefusals.Of(node.System).Count);

    /// <summary>A system of the same name; with nobody to join it is a cluster of its own.</summary>
    private static ClusterNode Foreign(string hocon = "", params string[] seeds) =>
        ClusterNode.StartClient(PpsdConfig.Load(NodeRole.Client, overrides: $"akka.loglevel = OFF\n{hocon}"), seeds);

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(_patience);
        while (!holds())
        {
            await Task.Delay(50, patience.Token);
        }
    }
}
