using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.AI;
using Ppsd.Actors.Chat;
using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Client;

/// <summary>A client lives as long as its app, whatever becomes of the nodes that it joined.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LastingMembershipTests
{
    [Test]
    public async Task A_client_finds_the_cluster_that_took_the_place_of_its_own(
        [Values(true, false)] bool leavesPolitely
    )
    {
        var port = FreePort();
        await using var cluster = new ToyCluster(
            1,
            ToyDrafters.Mostly,
            hocon: """
            akka.cluster.run-coordinated-shutdown-when-down = on
            akka.loglevel = OFF
            ppsd.cluster.drain-timeout = 1s
            ppsd.resume.patience = 5s
            """
        );
        var stage = cluster.AddStage(port: port, seeds: []);
        await using var client = cluster.ChatClientOf($"127.0.0.1:{port}");
        Assert.That(await TextAsync(client), Is.EqualTo(Expected(cluster)));

        // In mid-stream, and never to be read to its end.
        var stream = client.GetStreamingResponseAsync("12", new() { MaxOutputTokens = 3_900 }).GetAsyncEnumerator();
        Assert.That(await stream.MoveNextAsync(), Is.True);
        await (leavesPolitely ? cluster.RemoveAsync(stage) : cluster.CrashAsync(stage));
        Assert.That(
            async () =>
            {
                while (await stream.MoveNextAsync()) { }
            },
            Throws.TypeOf<GenerationException>()
        );
        await stream.DisposeAsync();

        cluster.AddStage(port: port, seeds: []);
        Assert.That(await EventuallyAsync(client), Is.EqualTo(Expected(cluster)));
        Assert.That(await TextAsync(client), Is.EqualTo(Expected(cluster)), "the second call failed");
    }

    [Test]
    public async Task A_text_goes_on_when_the_cluster_has_removed_its_client_and_it_has_joined_anew(
        [Values(true, false)] bool isStopped
    )
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: "akka.loglevel = OFF");
        cluster.AddCoordinator();
        cluster.AddStage();
        cluster.AddStage();
        await using var member = new LastingMembership(() => cluster.AddClient(), TimeProvider.System);
        await ToyCluster.FormedAsync(member.Node);

        var tokens = new List<TokenId>();
        var starts = 0;
        GenerationEnded? end = null;
        await using var text = member.Client.Start(ToyPipeline.Request([1, 2], 600));
        await foreach (var next in text.Events())
        {
            starts += next is GenerationStarted ? 1 : 0;
            end = next as GenerationEnded;
            if (next is TokensGenerated generated)
            {
                if (tokens.Count == 0)
                {
                    await member.Node.System.Terminate();
                    if (isStopped)
                    {
                        text.Stop();
                    }
                }

                tokens.AddRange(generated.Tokens);
            }
        }

        var expected = cluster.Model.Generate([new TokenId(1), new TokenId(2)], 600, SamplingSettings.Greedy);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(starts, Is.EqualTo(1));
            Assert.That(end?.Reason, Is.EqualTo(isStopped ? FinishReason.Cancelled : FinishReason.Length));
            Assert.That(end?.Stats.Resumes, Is.EqualTo(isStopped ? 0 : 1));
            Assert.That(tokens, Is.EqualTo(isStopped ? expected.Take(tokens.Count) : expected));
        }

        await cluster.AssertNothingHeldAsync();
    }

    /// <summary>Its process is a member all the while, so there is nothing to wait for.</summary>
    [Test]
    public async Task A_text_that_is_given_up_while_it_is_read_ends_at_once()
    {
        await using var cluster = new ToyCluster(
            1,
            ToyDrafters.Mostly,
            hocon: "akka.loglevel = OFF\nppsd.resume.patience = 1h"
        );
        cluster.AddStage();
        await using var member = new LastingMembership(() => cluster.AddClient(), TimeProvider.System);
        await ToyCluster.FormedAsync(member.Node);
        var text = member.Client.Start(ToyPipeline.Request([1, 2], 3_900));
        var events = text.Events().GetAsyncEnumerator();
        Assert.That(await events.MoveNextAsync(), Is.True);

        await text.DisposeAsync();
        Assert.That(() => ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60)), Throws.TypeOf<GenerationException>());
        await cluster.AssertNothingHeldAsync();

        async Task ReadToEndAsync()
        {
            while (await events.MoveNextAsync()) { }
        }
    }

    [Test]
    public async Task A_text_ends_with_an_error_when_its_client_leaves_for_good()
    {
        await using var cluster = new ToyCluster(1, ToyDrafters.Mostly, hocon: "akka.loglevel = OFF");
        cluster.AddStage();
        var member = new LastingMembership(() => cluster.AddClient(), TimeProvider.System);
        await ToyCluster.FormedAsync(member.Node);
        await using var text = member.Client.Start(ToyPipeline.Request([1, 2], 3_900));
        var events = text.Events().GetAsyncEnumerator();
        Assert.That(await events.MoveNextAsync(), Is.True);

        await member.DisposeAsync();
        Assert.That(
            async () =>
            {
                while (await events.MoveNextAsync()) { }
            },
            Throws.TypeOf<GenerationException>().With.Message.Contains("is stopping")
        );
        Assert.That(
            async () =>
                await member.Client.Start(ToyPipeline.Request([1, 2], 1)).Events().GetAsyncEnumerator().MoveNextAsync(),
            Throws.TypeOf<GenerationException>()
        );
    }

    /// <summary>Others name it as their seed, and an operator drains it by its address.</summary>
    [Test]
    public async Task A_node_that_joins_again_is_found_where_it_was()
    {
        var config = PpsdConfig.Load(NodeRole.Coordinator, overrides: "akka.loglevel = OFF");
        await using var member = new LastingMembership(
            () => ClusterNode.StartCoordinator(config, [], new ClusterPlan(1, [])),
            TimeProvider.System,
            joinAt: port => ClusterNode.StartCoordinator(PpsdConfig.AtPort(config, port), [], new ClusterPlan(1, []))
        );
        var first = member.Node;

        // As where the cluster has removed it.
        await first.System.Terminate().WaitAsync(TimeSpan.FromSeconds(30));
        for (var attempt = 0; attempt < 300 && member.Node == first; attempt++)
        {
            await Task.Delay(100);
        }

        Assert.That(member.Node, Is.Not.SameAs(first));
        Assert.That(member.Node.Address, Is.EqualTo(first.Address));
    }

    /// <summary>As where answers go to what died at its address; nobody answers here.</summary>
    [Test]
    public async Task A_node_that_nobody_lets_in_starts_anew_at_its_address()
    {
        var config = PpsdConfig.Load(NodeRole.Client, overrides: "akka.loglevel = OFF");
        string[] seeds = [$"127.0.0.1:{FreePort()}"];
        var losses = 0;
        await using var member = new LastingMembership(
            () => ClusterNode.StartClient(config, seeds),
            new HastyClock(),
            () => losses++,
            port => ClusterNode.StartClient(PpsdConfig.AtPort(config, port), seeds)
        );
        var first = member.Node;
        await UntilAsync(() => member.Node != first);
        Assert.That(member.Node.Address, Is.EqualTo(first.Address));
        Assert.That(losses, Is.Zero, "it was in no cluster that could have removed it");
    }

    /// <summary>As after a partition that lasted: the first seed, alone and removed, has formed a cluster of its own.</summary>
    [Test]
    public async Task A_node_alone_in_its_cluster_goes_to_the_one_that_stands_at_another_seed()
    {
        await using var cluster = new ToyCluster(1, ToyDrafters.Mostly);
        int[] ports = [FreePort(), FreePort()];
        string[] seeds = [.. ports.Select(port => $"127.0.0.1:{port}")];
        var config = PpsdConfig.AtPort(
            PpsdConfig.Load(NodeRole.Coordinator, overrides: "akka.loglevel = OFF"),
            ports[0]
        );
        await using var lonely = new LastingMembership(
            () => ClusterNode.StartCoordinator(config, seeds, new ClusterPlan(1, [])),
            TimeProvider.System
        );
        await UntilAsync(() => MembersOf(lonely.Node) == 1);

        var other = cluster.AddStage(port: ports[1], seeds: []);

        await UntilAsync(() => MembersOf(lonely.Node) == 2 && MembersOf(other) == 2);
        Assert.That((await ToyCluster.FormedAsync(lonely.Node)).Stages, Has.Length.EqualTo(1));

        static int MembersOf(ClusterNode node) =>
            Akka
                .Cluster.Cluster.Get(node.System)
                .State.Members.Count(member => member.Status == Akka.Cluster.MemberStatus.Up);
    }

    private static async Task UntilAsync(Func<bool> isReached)
    {
        for (var attempt = 0; !isReached(); attempt++)
        {
            Assert.That(attempt, Is.LessThan(600), "not reached within a minute");
            await Task.Delay(100);
        }
    }

    /// <summary>Each call before that ends as the contract says, never otherwise.</summary>
    private static async Task<string> EventuallyAsync(PpsdChatClient client)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await TextAsync(client);
            }
            catch (GenerationException) when (attempt < 20) { }
        }
    }

    private static async Task<string> TextAsync(PpsdChatClient client) =>
        (await client.GetResponseAsync("12", new() { MaxOutputTokens = 30 })).Text;

    private static string Expected(ToyCluster cluster) =>
        ToyTextModel.TextOf(cluster.Model.Generate([new TokenId(1), new TokenId(2)], 30, SamplingSettings.Greedy));

    private static int FreePort()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)listener.LocalEndPoint!).Port;
    }

    /// <summary>Its waits take a twentieth of their time.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime / 20, period);
    }
}
