using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>A node that leaves on purpose, with sessions under way.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DrainTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_leaving_node_finishes_its_sessions_and_waiting_requests_go_on_with_its_replacement()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: "ppsd.cluster.request-patience = 30s");
        cluster.AddStage();
        var leaving = cluster.AddStage(wantedStage: 1);
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);

        // Short enough that a busy machine ends it before the waiting client has lost patience (15 s).
        var running = StartAsync(client, 1, 250, out var first);
        await first;
        var removed = cluster.RemoveAsync(leaving);
        await ToyCluster.StateAsync(client, state => !state.IsAdmitting);
        var waiting = client.Client.RunAsync(ToyPipeline.Request([2], 20));
        var left = await running.WaitAsync(_patience);
        await removed.WaitAsync(_patience);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(left, Is.EqualTo(Expected(cluster, 1, 250)), "a session of the leaving node broke off");
            Assert.That(
                waiting.IsCompleted,
                Is.False,
                "a request was let in, or refused, with no pipeline to serve it"
            );
        }

        cluster.AddStage();
        Assert.That((await waiting.WaitAsync(_patience)).Tokens, Is.EqualTo(Expected(cluster, 2, 20)));
    }

    [Test]
    public async Task A_spare_node_takes_the_place_of_one_that_leaves()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        cluster.AddStage();
        var leaving = cluster.AddStage();
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);
        cluster.AddStage();
        await ToyCluster.StateAsync(client, state => state.NodesOffered == 3);

        await cluster.RemoveAsync(leaving).WaitAsync(_patience);
        var result = await client.Client.RunAsync(ToyPipeline.Request([3], 30)).WaitAsync(_patience);

        Assert.That(result.Tokens, Is.EqualTo(Expected(cluster, 3, 30)));
    }

    [Test]
    public async Task A_node_does_not_wait_for_a_session_beyond_its_drain_timeout()
    {
        using var hold = new ManualResetEventSlim();
        await using var cluster = new ToyCluster(
            2,
            ToyDrafters.Mostly,
            hocon: "ppsd.cluster.drain-timeout = 500ms\nppsd.resume.max-resumes = 0",
            onForward: (stage, parts) =>
            {
                if (stage == 0 && parts[0].Base.Length > 20)
                {
                    hold.Wait(_patience);
                }
            }
        );
        cluster.AddStage();
        var leaving = cluster.AddStage(wantedStage: 1);
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);
        var running = StartAsync(client, 1, 600, out var first);
        await first;

        await cluster.RemoveAsync(leaving).WaitAsync(_patience);
        hold.Set();

        var broken = Assert.CatchAsync<GenerationException>(() => running.WaitAsync(_patience));
        Assert.That((await broken)!.Message, Does.Contain("stage 2 of the pipeline is gone"));
    }

    private static Task<List<TokenId>> StartAsync(ClusterNode client, int prompt, int count, out Task firstToken)
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        firstToken = first.Task;
        return ReadAsync();

        async Task<List<TokenId>> ReadAsync()
        {
            var tokens = new List<TokenId>();
            await foreach (var token in client.Client.GenerateAsync(ToyPipeline.Request([prompt], count)))
            {
                tokens.Add(token);
                first.TrySetResult();
            }

            return tokens;
        }
    }

    private static IReadOnlyList<TokenId> Expected(ToyCluster cluster, int prompt, int count) =>
        [.. cluster.Model.Generate([new TokenId(prompt)], count, SamplingSettings.Greedy)];
}
