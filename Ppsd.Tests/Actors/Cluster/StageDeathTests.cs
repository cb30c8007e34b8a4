using Microsoft.Extensions.AI;
using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>Texts under way when a node dies: they go on long before the cluster has come to a verdict on it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StageDeathTests
{
    private const string NoVerdict = """
        akka.loglevel = OFF
        akka.cluster.split-brain-resolver.stable-after = 300s
        akka.cluster.split-brain-resolver.down-all-when-unstable = off
        """;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task Another_node_takes_a_dead_ones_place_at_once_and_texts_go_on([Values(0, 1)] int dead)
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: NoVerdict);
        cluster.AddCoordinator();
        ClusterNode[] stages = [cluster.AddStage(wantedStage: 0), cluster.AddStage(wantedStage: 1)];
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);
        cluster.AddStage(isSpare: true);
        await ToyCluster.StateAsync(client, state => state.NodesOffered == 3);

        var result = await RunAsync(cluster, client, onTokens: () => cluster.CrashAsync(stages[dead]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Tokens, Is.EqualTo(Expected(cluster)));
            Assert.That(result.Stats.Resumes, Is.GreaterThan(0));
            Assert.That((await ToyCluster.FormedAsync(client)).Epoch.Value, Is.GreaterThan(1));
        }

        await cluster.AssertNothingHeldAsync();
    }

    [Test]
    public async Task A_node_that_hands_over_does_not_wait_for_its_texts_and_they_go_on_elsewhere()
    {
        await using var cluster = new ToyCluster(
            2,
            ToyDrafters.Mostly,
            hocon: "akka.loglevel = OFF\nppsd.cluster.drain-timeout = 1h"
        );
        cluster.AddCoordinator();
        cluster.AddStage(wantedStage: 0);
        var leaving = cluster.AddStage(wantedStage: 1, handsOver: true);
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);
        cluster.AddStage(wantedStage: 1);
        await ToyCluster.StateAsync(client, state => state.NodesOffered == 3);

        var result = await RunAsync(cluster, client, onTokens: () => cluster.RemoveAsync(leaving));
        Assert.That(result.Tokens, Is.EqualTo(Expected(cluster)));
        Assert.That(result.Stats.Resumes, Is.EqualTo(1));
    }

    /// <summary>A gateway is on a stage's node: both die, and another gateway goes on with the text on another pipeline.</summary>
    [Test]
    public async Task A_chat_whose_gateway_dies_goes_on_at_another()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: NoVerdict);
        cluster.AddCoordinator();
        cluster.AddStage();
        var second = cluster.AddStage();
        await ToyCluster.FormedAsync(second);
        cluster.AddStage();
        await ToyCluster.StateAsync(second, state => state.NodesOffered == 3);
        await using var client = cluster.AddChatClient();

        using var patience = new CancellationTokenSource(_patience);
        var text = "";
        object? last = null;
        var isKilled = false;
        var options = new ChatOptions { MaxOutputTokens = Length };
        await foreach (var update in client.GetStreamingResponseAsync("12", options, patience.Token))
        {
            text += update.Text;
            last = update.RawRepresentation;
            if (!isKilled)
            {
                isKilled = true;
                await cluster.CrashAsync(cluster.Serving);
            }
        }

        Assert.That(text, Is.EqualTo(ToyTextModel.TextOf(Expected(cluster))));
        Assert.That(((TextEnded)last!).Stats.Resumes, Is.GreaterThan(0));
    }

    private const int Length = 600;

    /// <summary>Runs a text, and does something when its first tokens have come.</summary>
    private static async Task<GenerationResult> RunAsync(ToyCluster cluster, ClusterNode client, Func<Task> onTokens)
    {
        using var patience = new CancellationTokenSource(_patience);
        var tokens = new List<TokenId>();
        Task? doing = null;
        await foreach (var next in client.Client.Start(ToyPipeline.Request([1, 2], Length)).Events(patience.Token))
        {
            if (next is TokensGenerated generated)
            {
                tokens.AddRange(generated.Tokens);
                doing ??= onTokens();
            }
            else if (next is GenerationEnded ended)
            {
                await doing!.WaitAsync(_patience);
                return new GenerationResult(tokens, [], ended.Reason, ended.Stats);
            }
        }

        throw new AssertionException("the events ended without an end");
    }

    private static List<TokenId> Expected(ToyCluster cluster) =>
        cluster.Model.Generate([new TokenId(1), new TokenId(2)], Length, SamplingSettings.Greedy);
}
