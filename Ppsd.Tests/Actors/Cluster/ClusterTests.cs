using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>A pipeline over real sockets: formation, decoding, loss and return of a stage.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ClusterTests
{
    [Test]
    public async Task Stage_nodes_form_a_pipeline_and_a_client_decodes_on_it()
    {
        await using var cluster = new ToyCluster(3, ToyDrafters.Mostly);
        for (var i = 0; i < 3; i++)
        {
            cluster.AddStage();
        }

        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);
        var sampling = new SamplingSettings { Temperature = 1, Seed = 5 };
        var result = await client.Client.RunAsync(ToyPipeline.Request([3, 1], 80, sampling: sampling, maxWidth: 2));

        var expected = cluster.Model.Generate([new TokenId(3), new TokenId(1)], 80, sampling);
        Assert.That(result.Tokens, Is.EqualTo(expected));
        Assert.That(result.Stats.AcceptedDrafts, Is.GreaterThan(0));
    }

    [Test]
    public async Task Too_few_stage_nodes_are_refused_with_a_line_that_says_how_many_are_missing()
    {
        await using var cluster = new ToyCluster(3, ToyDrafters.Mostly);
        cluster.AddStage();
        cluster.AddStage();
        var client = cluster.AddClient();
        await ToyCluster.StateAsync(client, state => state.NodesOffered == 2);

        var refused = Assert.CatchAsync<GenerationException>(() => client.Client.RunAsync(ToyPipeline.Request([1], 4)));
        var e = await refused;
        Assert.That(e!.Failure, Is.EqualTo(GenerationFailure.Unavailable));
        Assert.That(e.Message, Does.Contain("2 of 3 stage nodes are up").And.Contain("start 1 more"));
    }
}
