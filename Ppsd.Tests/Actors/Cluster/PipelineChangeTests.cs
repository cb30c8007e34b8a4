using Microsoft.Extensions.AI;
using Ppsd.Actors.Client;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>What nodes and readers are told when a pipeline does not come about, or comes about anew.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PipelineChangeTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [TestCase(
        "toy",
        "rope-frequencies=fp32",
        "this node has --rope-frequencies fp32, the others --rope-frequencies checkpoint"
    )]
    [TestCase(
        "other",
        "rope-frequencies=checkpoint",
        "this node has another model: other of 8 layers, the others toy of 8 layers"
    )]
    public async Task A_node_that_computes_otherwise_is_refused_and_told_why(
        string model,
        string arithmetic,
        string expected
    )
    {
        var told = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: "akka.loglevel = OFF");
        var first = cluster.AddStage();

        // Of two nodes that differ, others are measured by the one that offered itself first.
        await ToyCluster.StateAsync(first, state => state.NodesOffered == 1);
        cluster.AddStage(model, arithmetic: arithmetic, onRefused: reason => told.TrySetResult(reason));
        Assert.That(await told.Task.WaitAsync(_patience), Is.EqualTo(expected));
        var state = await ToyCluster.StateAsync(first, state => state.NodesOffered == 2);
        Assert.That(state.Formed, Is.Null);
        Assert.That(
            state.Explanation,
            Does.Contain(expected.Replace("this node has", "has", StringComparison.Ordinal))
        );

        cluster.AddStage();
        var formed = await ToyCluster.FormedAsync(first);
        Assert.That(formed.Stages, Has.Length.EqualTo(2));
    }

    [Test]
    public async Task A_reader_whose_stage_was_lost_reads_which_one_though_a_spare_took_its_place()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: "akka.loglevel = OFF");
        var first = cluster.AddStage(wantedStage: 0);
        var second = cluster.AddStage(wantedStage: 1);
        await ToyCluster.FormedAsync(first);
        cluster.AddStage(wantedStage: 1);
        await ToyCluster.StateAsync(first, state => state.NodesOffered == 3);

        // A text that no stage has begun would wait for the new pipeline instead of failing.
        var hasBegun = new TaskCompletionSource();
        var reading = Task.Run(async () =>
        {
            while (true)
            {
                var generation = first.Client.Start(ToyPipeline.Request([1, 2], 3000), resumes: false);
                await foreach (var _ in generation.Events())
                {
                    hasBegun.TrySetResult();
                }
            }
        });
        await hasBegun.Task.WaitAsync(_patience);
        var address = second.Address;
        await cluster.CrashAsync(second);
        var failure = await CatchAsync(reading);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(failure.Message, Does.Contain("stage 2").And.Contain(address));
            Assert.That((await ToyCluster.FormedAsync(first)).Epoch.Value, Is.EqualTo(2));
        }
    }

    [Test]
    public async Task A_node_that_the_cluster_has_removed_does_not_stay_for_its_texts()
    {
        await using var cluster = new ToyCluster(
            1,
            ToyDrafters.Mostly,
            hocon: "akka.loglevel = OFF\nakka.cluster.run-coordinated-shutdown-when-down = on\nppsd.cluster.drain-timeout = 1h"
        );
        var node = cluster.AddStage();
        await ToyCluster.FormedAsync(node);
        await using var client = cluster.AddChatClient();

        // Accepted, and never read to its end.
        var text = client.GetStreamingResponseAsync("12", new() { MaxOutputTokens = 3_900 }).GetAsyncEnumerator();
        Assert.That(await text.MoveNextAsync(), Is.True);
        var itself = Akka.Cluster.Cluster.Get(node.System);
        itself.Down(itself.SelfAddress);

        await node.Terminated.WaitAsync(_patience);
        await text.DisposeAsync();
    }

    private static async Task<GenerationException> CatchAsync(Task reading)
    {
        try
        {
            await reading.WaitAsync(_patience);
        }
        catch (GenerationException e)
        {
            return e;
        }

        throw new AssertionException("the generation did not fail");
    }
}
