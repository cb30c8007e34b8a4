using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Reliability;

/// <summary>
/// Real processes that are killed, stopped and started again while six texts are read, greedy and sampled, with log-probabilities,
/// penalties and a stop string: each must end as the undisturbed one did, byte for byte. Prints the rows of docs/reliability.md.
/// </summary>
[NonParallelizable] // It measures how long readers wait.
public sealed class StageChaosTests
{
    [Test]
    public async Task Texts_survive_a_stage_that_hangs_one_that_dies_with_a_spare_and_one_that_is_started_again()
    {
        await using var cluster = await ChaosCluster.StartAsync();
        await HangAsync(cluster, stage: 2, seconds: 3, share: 0.1);

        await cluster.AddStageAsync("--spare");
        var killed = await KillAsync(cluster, stage: 1, share: 0.2, "a spare");
        Assert.That(killed.Sum(stream => stream.Resumes), Is.GreaterThan(0), "the kill came after the texts");

        await KillAsync(cluster, stage: 2, share: 0.05, "started again", _ => cluster.AddStageAsync());
    }

    /// <summary>The new process asks to join before the cluster has removed what died at its address.</summary>
    [Test]
    public async Task Texts_survive_a_stage_that_its_supervisor_starts_again_at_its_address_after_two_seconds()
    {
        await using var cluster = await ChaosCluster.StartAsync();
        await KillAndStartAgainAsync(cluster, stage: 2, seconds: 2, "started again at its address after 2 s");
    }

    [Test]
    public async Task Texts_survive_a_stage_that_dies_with_the_coordinator_in_its_process()
    {
        await using var cluster = await ChaosCluster.StartWithCoordinatingStageAsync();
        await cluster.AddStageAsync("--spare");
        var killed = await KillAsync(cluster, stage: 1, share: 0.1, "the coordinator in its process, a spare");
        Assert.That(killed.Sum(stream => stream.Resumes), Is.GreaterThan(0), "the kill came after the texts");
    }

    /// <summary>
    /// Of two members that count the older is dead, and the other cannot tell that from a partition: it leaves, and the API is alone.
    /// </summary>
    [Test]
    public async Task Texts_survive_the_end_of_the_cluster_that_the_api_was_in()
    {
        await using var cluster = await ChaosCluster.StartWithCoordinatingStageAsync();
        var killed = await KillAndStartAgainAsync(
            cluster,
            stage: 1,
            seconds: 10,
            "the coordinator in its process, started again at its address after 10 s"
        );
        Assert.That(killed.Sum(stream => stream.Resumes), Is.GreaterThan(0), "the kill came after the texts");
    }

    [Test]
    public async Task Texts_go_on_with_a_stage_less_and_the_pipeline_grows_when_a_node_is_back()
    {
        await using var cluster = await ChaosCluster.StartAsync("--shrink");
        var killed = await KillAsync(cluster, stage: 2, share: 0.1, "the other takes all layers");
        Assert.That(killed.Sum(stream => stream.Resumes), Is.GreaterThan(0), "the kill came after the texts");
        await cluster.AwaitStagesAsync(1);

        await cluster.AddStageAsync("--shrink");
        await cluster.AwaitStagesAsync(2);
        var after = await cluster.DisturbAsync("nothing", share: 0, () => Task.CompletedTask);
        Assert.That(after.Sum(stream => stream.Resumes), Is.Zero);
    }

    /// <summary>It wakes as a member, as far as it knows, and learns seconds later that the cluster has gone on without it.</summary>
    [Test]
    public async Task A_stage_that_is_told_to_stop_as_it_wakes_does_not_linger()
    {
        await using var cluster = await ChaosCluster.StartAsync();
        await cluster.AddStageAsync("--spare");
        await HangAsync(cluster, stage: 2, seconds: 10, share: 0.1);

        // Leaving them asserts that each ends within 15 s.
    }

    /// <summary>The long form, by name: every stage at random tokens, and stops of ten seconds.</summary>
    [Test]
    [Explicit("takes three minutes and more")]
    public async Task Texts_survive_twenty_random_faults([Values(1)] int seed)
    {
        var random = new Random(seed);
        await using var cluster = await ChaosCluster.StartAsync();
        await cluster.AddStageAsync("--spare");
        for (var fault = 0; fault < 20; fault++)
        {
            var stage = 1 + random.Next(2);
            var share = 0.8 * random.NextDouble();
            if (fault % 5 == 4)
            {
                await HangAsync(cluster, stage, seconds: fault % 10 == 4 ? 3 : 10, share);
            }
            else
            {
                await KillAsync(cluster, stage, share, "a spare");
                await cluster.AddStageAsync("--spare");
            }
        }
    }

    private static async Task<IReadOnlyList<ChaosStream>> KillAsync(
        ChaosCluster cluster,
        int stage,
        double share,
        string then,
        Func<StageUnderTest, Task>? afterwards = null
    )
    {
        var victim = await cluster.HolderOfAsync(stage);
        return await cluster.DisturbAsync(
            $"kill -9 of stage {stage}, {then}",
            share,
            async () =>
            {
                victim.Kill();
                await (afterwards?.Invoke(victim) ?? Task.CompletedTask);
            }
        );
    }

    /// <summary>Kills a stage's process and starts it again at its address.</summary>
    private static Task<IReadOnlyList<ChaosStream>> KillAndStartAgainAsync(
        ChaosCluster cluster,
        int stage,
        int seconds,
        string then
    ) =>
        KillAsync(
            cluster,
            stage,
            share: 0.1,
            then,
            async killed =>
            {
                await Task.Delay(TimeSpan.FromSeconds(seconds));
                await cluster.StartAgainAsync(killed);
            }
        );

    private static async Task HangAsync(ChaosCluster cluster, int stage, int seconds, double share)
    {
        var victim = await cluster.HolderOfAsync(stage);
        await cluster.DisturbAsync(
            $"SIGSTOP of stage {stage}, {seconds} s",
            share,
            async () =>
            {
                Signals.Send(victim.ProcessId, Signals.Stop);
                await Task.Delay(TimeSpan.FromSeconds(seconds));
                Signals.Send(victim.ProcessId, Signals.Continue);
            }
        );
    }
}
