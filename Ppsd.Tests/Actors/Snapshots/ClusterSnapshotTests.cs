using Ppsd.Actors.Snapshots;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Snapshots;

public sealed class ClusterSnapshotTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);

    [Test]
    public async Task A_snapshot_tells_members_stages_and_what_they_did()
    {
        await using var cluster = new ToyCluster(3, ToyDrafters.Mostly);
        for (var i = 0; i < 3; i++)
        {
            cluster.AddStage();
        }

        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);
        var before = await client.GetSnapshotAsync(_timeout, TimeProvider.System);
        var result = await client.Client.RunAsync(ToyPipeline.Request([1, 2, 3], 40));
        var after = await client.GetSnapshotAsync(_timeout, TimeProvider.System);
        var rates = SnapshotRates.Between(before, after);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(after.IsFormed, Is.True);
            Assert.That(
                after.Members.Select(member => member.Address),
                Is.EquivalentTo(cluster.Nodes.Select(node => node.Address))
            );
            Assert.That(after.Members.Single(member => member.IsSelf).Roles, Is.EqualTo(["client"]));
            Assert.That(after.Members.Count(member => member.IsCoordinator), Is.EqualTo(1));
            Assert.That(after.Stages.Select(stage => stage.Description.FirstLayer), Is.EqualTo([0, 4, 8]));
            Assert.That(
                after.Stages.Select(stage => stage.Address),
                Is.EquivalentTo(cluster.Nodes.Take(3).Select(node => node.Address))
            );
            Assert.That(after.Stages[0].Status!.LinkRoundTripMs, Is.Not.Null.And.InRange(0.001, 5000.0));
            Assert.That(after.Stages[1].Status!.LinkRoundTripMs, Is.Not.Null.And.InRange(0.001, 5000.0));
            Assert.That(after.Stages[2].Status!.LinkRoundTripMs, Is.Null, "nothing comes after the last stage");
            Assert.That(after.Sessions!.Ended, Is.EqualTo(1));
            Assert.That(after.Sessions.GeneratedTokens, Is.EqualTo(40));
            Assert.That(after.Sessions.PromptTokens, Is.EqualTo(3));
            Assert.That(after.Sessions.AcceptedDrafts, Is.EqualTo(result.Stats.AcceptedDrafts));
            Assert.That(rates.AcceptanceRate, Is.EqualTo(result.Stats.AcceptanceRate).Within(1e-9));
            Assert.That(rates.TokensPerSecond, Is.GreaterThan(0));
            Assert.That(rates.BusyShares, Is.All.InRange(0.0, 1.0));
        }
    }

    [Test]
    public async Task A_cluster_that_lacks_a_stage_says_so()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        cluster.AddStage();
        var client = cluster.AddClient();
        await ToyCluster.StateAsync(client, state => state.NodesOffered == 1);

        var snapshot = await client.GetSnapshotAsync(_timeout, TimeProvider.System);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(snapshot.IsFormed, Is.False);
            Assert.That(snapshot.HasCoordinator, Is.True);
            Assert.That(snapshot.Explanation, Does.Contain("1 of 2 stage nodes are up"));
            Assert.That(snapshot.Stages, Is.Empty);
            Assert.That(snapshot.Sessions, Is.Null);
        }
    }

    [Test]
    public async Task Stages_of_one_process_are_told_the_same_way()
    {
        await using var pipeline = await ToyPipeline.StartAsync(2, ToyDrafters.Mostly);
        await pipeline.RunAsync(ToyPipeline.Request([1], 8));

        var snapshot = await pipeline.SnapshotAsync(_timeout);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(snapshot.Members.Single().IsSelf, Is.True);
            Assert.That(snapshot.Stages.Select(stage => stage.Status!.Stage.Number), Is.EqualTo([1, 2]));
            Assert.That(snapshot.Sessions!.GeneratedTokens, Is.EqualTo(8));
        }
    }
}
