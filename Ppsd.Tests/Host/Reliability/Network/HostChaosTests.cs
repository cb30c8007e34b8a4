namespace Ppsd.Tests.Host.Reliability.Network;

/// <summary>
/// Real processes on five hosts, each a network namespace, with a switch between them that loses, delays and reorders frames:
/// six texts must end as undisturbed ones do, byte for byte, and every process must serve again without a hand. Skipped where
/// nobody may make network namespaces. Prints the rows of docs/reliability.md.
/// </summary>
[NonParallelizable] // It measures how long readers wait.
public sealed class HostChaosTests
{
    /// <summary>What runs with all other tests: a minute.</summary>
    [Test]
    public async Task Texts_survive_the_death_and_the_silence_of_a_host()
    {
        await using var cluster = await HostCluster.StartAsync(length: 200, seed: 1);
        await HostFaults.KillStageAsync(cluster, stage: 2, share: 0.1);
        await HostFaults.TakeLinkDownAsync(cluster, stage: 1, seconds: 5, share: 0.1);
        await HostFaults.DisturbFramesAsync(cluster);
    }

    [Test]
    [Explicit("takes three minutes; a stage killed together with the other one has once not joined again")]
    public async Task Texts_survive_what_happens_to_hosts_and_to_the_network_between_them()
    {
        await using var cluster = await HostCluster.StartAsync(length: 200, seed: 1);
        await HostFaults.LoseOneWayAsync(cluster, stage: 2, seconds: 5, share: 0.1);
        await HostFaults.TakeLinkDownAsync(cluster, stage: 1, seconds: 5, share: 0.1);
        await HostFaults.KillCoordinatorAsync(cluster, share: 0.1);
        await HostFaults.KillBothStagesAsync(cluster, share: 0.1);
        await HostFaults.CutOffFirstAsync(cluster, seconds: 25, share: 0.1);
        await HostFaults.DisturbFramesAsync(cluster);
    }

    /// <summary>The long form, by name: everything that can happen, at random moments.</summary>
    [Test]
    [Explicit("takes a quarter of an hour")]
    public async Task Texts_survive_all_that_may_happen_to_hosts([Values(1)] int seed)
    {
        var random = new Random(seed);
        await using var cluster = await HostCluster.StartAsync(length: 400, seed);
        Func<int, double, Task>[] faults =
        [
            (stage, share) => HostFaults.KillStageAsync(cluster, stage, share),
            (stage, share) => HostFaults.LoseOneWayAsync(cluster, stage, seconds: 5, share),
            (stage, share) => HostFaults.TakeLinkDownAsync(cluster, stage, seconds: 5, share),
            (stage, share) => HostFaults.HangAsync(cluster, stage, seconds: 3, share),
            (_, share) => HostFaults.KillCoordinatorAsync(cluster, share),
            (_, share) => HostFaults.KillBothStagesAsync(cluster, share),
            (_, share) => HostFaults.KillCoordinatorAndStageAsync(cluster, share),
            (stage, share) => HostFaults.LoseOneWayAsync(cluster, stage, seconds: 60, share),
            (stage, share) => HostFaults.TakeLinkDownAsync(cluster, stage, seconds: 60, share),
            (stage, share) => HostFaults.HangAsync(cluster, stage, seconds: 10, share),
            (stage, share) => HostFaults.HangAsync(cluster, stage, seconds: 60, share),
            (_, share) => HostFaults.CutOffFirstAsync(cluster, seconds: 60, share),
            (_, _) => HostFaults.DisturbFramesAsync(cluster),
        ];
        foreach (var fault in faults.Concat(faults))
        {
            await fault(1 + random.Next(2), 0.8 * random.NextDouble());
        }
    }
}
