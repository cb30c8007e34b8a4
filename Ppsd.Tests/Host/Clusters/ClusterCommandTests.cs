using System.Text.Json;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Clusters;

public sealed class ClusterCommandTests
{
    [Test]
    public async Task Status_and_top_look_at_a_cluster_and_leave_it()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        var seed = cluster.AddStage();
        cluster.AddStage();
        await ToyCluster.FormedAsync(seed);
        var join = seed.Address.Split('@')[1];

        var json = await Cli.RunAsync(["cluster", "status", "--join", join, "--json"]);
        var top = await Cli.RunAsync(["cluster", "top", "--join", join, "--interval", "0.1", "--count", "2"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(json.ExitCode, Is.Zero, json.Error);
            Assert.That(json.OutputLines, Has.Length.EqualTo(1), json.Output);
            var root = JsonDocument.Parse(json.OutputLines[0]).RootElement;
            Assert.That(root.GetProperty("pipeline").GetProperty("formed").GetBoolean(), Is.True);
            Assert.That(
                root.GetProperty("stages").EnumerateArray().Select(stage => stage.GetProperty("layers").GetInt32()),
                Is.EqualTo([4, 4])
            );
            Assert.That(root.GetProperty("members").GetArrayLength(), Is.EqualTo(3));
            Assert.That(top.OutputLines, Has.Length.EqualTo(2), top.Error);
            Assert.That(top.OutputLines, Is.All.Contains("0 tokens/s").And.All.Contains("busy"));
        }
    }

    [Test]
    public async Task Status_of_a_cluster_without_a_pipeline_ends_with_1_and_says_what_is_missing()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        var seed = cluster.AddStage();
        await ToyCluster.StateAsync(seed, state => state.NodesOffered == 1);

        var status = await Cli.RunAsync(["cluster", "status", "--join", seed.Address]);

        Assert.That(status.ExitCode, Is.EqualTo(1), status.Error);
        Assert.That(
            status.Output,
            Does.Contain("1 of 2 stage nodes are up").And.Contain("Up").And.Not.Contain("\u001b")
        );
    }
}
