using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>A pipeline that goes on with fewer stages where nodes are missing, and has all of them again when they are back.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ShrinkTests
{
    private const string Soon = """
        akka.loglevel = OFF
        ppsd.cluster.shrink-after = 100ms
        ppsd.cluster.request-patience = 30s
        """;

    private const int Length = 600;
    private const int Layers = 8;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_text_goes_on_with_fewer_stages_and_the_pipeline_grows_between_requests([Values(0, 1)] int dead)
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: Soon);
        cluster.AddCoordinator();
        ClusterNode[] stages =
        [
            cluster.AddStage(wantedStage: 0, mostLayers: Layers),
            cluster.AddStage(wantedStage: 1, mostLayers: Layers),
        ];
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);

        var result = await RunAsync(client, onTokens: () => cluster.CrashAsync(stages[dead]));
        var few = await ToyCluster.StateAsync(client, state => state.Formed is not null);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Tokens, Is.EqualTo(Expected(cluster)));
            Assert.That(result.Stats.Resumes, Is.GreaterThan(0));
            Assert.That(few.Formed!.Stages, Has.Length.EqualTo(1));
            Assert.That(few.Explanation, Is.EqualTo("the pipeline stands: 1 stages of 2"));
        }

        // A node comes back in the middle of a text, which does not notice.
        var during = await RunAsync(
            client,
            onTokens: () =>
            {
                cluster.AddStage(mostLayers: Layers);
                return ToyCluster.StateAsync(client, state => state.NodesOffered == 2);
            }
        );
        var whole = await ToyCluster.StateAsync(client, state => state.Formed?.Stages.Length == 2);
        var after = await RunAsync(client, onTokens: () => Task.CompletedTask);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(during.Tokens, Is.EqualTo(Expected(cluster)));
            Assert.That(during.Stats.Resumes, Is.Zero, "it grew in the middle of a text");
            Assert.That(whole.Explanation, Is.EqualTo("the pipeline stands: 2 stages"));
            Assert.That(after.Tokens, Is.EqualTo(Expected(cluster)));
        }

        await cluster.AssertNothingHeldAsync();
    }

    [Test]
    public async Task Nodes_that_hold_no_more_than_planned_wait_for_the_missing_one()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: Soon);
        cluster.AddCoordinator();
        cluster.AddStage(mostLayers: Layers / 2);
        var lost = cluster.AddStage(mostLayers: Layers / 2);
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);

        var running = RunAsync(client, onTokens: () => cluster.CrashAsync(lost));
        await ToyCluster.StateAsync(client, state => state.Formed is null && state.NodesOffered == 1);
        Assert.That(running.IsCompleted, Is.False);
        cluster.AddStage(mostLayers: Layers / 2);
        Assert.That((await running.WaitAsync(_patience)).Tokens, Is.EqualTo(Expected(cluster)));
    }

    [Test]
    public async Task A_cluster_whose_nodes_are_still_being_started_does_not_shrink()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: Soon);
        cluster.AddStage(mostLayers: Layers);
        var client = cluster.AddClient();
        await ToyCluster.StateAsync(client, state => state.NodesOffered == 1);
        var waiting = client.Client.RunAsync(ToyPipeline.Request([1, 2], Length));
        cluster.AddStage(mostLayers: Layers);
        Assert.That((await waiting.WaitAsync(_patience)).Tokens, Is.EqualTo(Expected(cluster)));

        // The first pipeline that there was.
        var formed = await ToyCluster.FormedAsync(client);
        Assert.That((formed.Epoch.Value, formed.Stages.Length), Is.EqualTo((1, 2)));
    }

    [Test]
    public async Task A_cluster_that_has_started_with_too_few_nodes_forms_with_them_after_a_while()
    {
        await using var cluster = new ToyCluster(
            2,
            ToyDrafters.Mostly,
            hocon: $"{Soon}\nppsd.cluster.shrink-at-start = 300ms"
        );
        cluster.AddStage(mostLayers: Layers);
        var client = cluster.AddClient();
        Assert.That((await ToyCluster.FormedAsync(client)).Stages, Has.Length.EqualTo(1));
        var result = await client.Client.RunAsync(ToyPipeline.Request([1, 2], Length)).WaitAsync(_patience);
        Assert.That(result.Tokens, Is.EqualTo(Expected(cluster)));
    }

    /// <summary>Runs a text, and does something when its first tokens have come.</summary>
    private static async Task<GenerationResult> RunAsync(ClusterNode client, Func<Task> onTokens)
    {
        using var patience = new CancellationTokenSource(_patience);
        var tokens = new List<TokenId>();
        Task? doing = null;
        await foreach (var next in client.Client.Start(ToyPipeline.Request([1, 2], Length)).Events(patience.Token))
        {
            if (next is TokensGenerated generated)
            {
                tokens.AddRange(generated.Tokens);
                if (doing is null)
                {
                    // Nothing is read meanwhile, so that the text has not ended when it happens.
                    await (doing = onTokens()).WaitAsync(_patience);
                }
            }
            else if (next is GenerationEnded ended)
            {
                return new GenerationResult(tokens, [], ended.Reason, ended.Stats);
            }
        }

        throw new AssertionException("the events ended without an end");
    }

    private static List<TokenId> Expected(ToyCluster cluster) =>
        cluster.Model.Generate([new TokenId(1), new TokenId(2)], Length, SamplingSettings.Greedy);
}
