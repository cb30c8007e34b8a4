using Ppsd.Actors.Cluster;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>Small clusters, where one node that dies is half of them: the rest must stay and take another in.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SplitBrainTests
{
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

    private static async Task AssertSurvivedAsync(ToyCluster cluster, ClusterNode victim, ClusterNode asker)
    {
        var before = await ToyCluster.FormedAsync(asker);
        await cluster.CrashAsync(victim);
        await RemovedAsync(asker, victim.Address);
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

    /// <summary>Waits until the cluster has decided who lives.</summary>
    private static async Task RemovedAsync(ClusterNode asker, string victim)
    {
        for (var attempt = 0; attempt < 400; attempt++)
        {
            var snapshot = await asker.GetSnapshotAsync(TimeSpan.FromSeconds(2), TimeProvider.System);
            if (snapshot.Members.All(member => member.Address != victim))
            {
                return;
            }

            await Task.Delay(50);
        }

        Assert.Fail("the dead node is still a member after 20 seconds");
    }

    private static int PortOf(ClusterNode node) => new Uri(node.Address).Port;
}
