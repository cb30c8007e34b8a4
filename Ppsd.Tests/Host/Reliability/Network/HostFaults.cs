using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Reliability.Network;

/// <summary>What may happen to a cluster of five hosts while six texts are read from it.</summary>
internal static class HostFaults
{
    /// <summary>A host hears the others, and they do not hear it.</summary>
    public static Task LoseOneWayAsync(HostCluster cluster, int stage, int seconds, double share) =>
        ForAWhileAsync(
            cluster,
            $"one-way loss of stage {stage}, {seconds} s",
            stage,
            seconds,
            share,
            (host, isOver) => cluster.Network.SetFrom(host, isOver ? LinkRule.Good : LinkRule.Cut)
        );

    /// <summary>A host's cable is out.</summary>
    public static Task TakeLinkDownAsync(HostCluster cluster, int stage, int seconds, double share) =>
        ForAWhileAsync(
            cluster,
            $"link of stage {stage} down, {seconds} s",
            stage,
            seconds,
            share,
            (host, isOver) => cluster.Network.SetLink(host, isOver ? LinkRule.Good : LinkRule.Cut)
        );

    /// <summary>
    /// Cuts the host that formed the cluster off until it has been removed and has formed a cluster of its own. It holds no stage.
    /// </summary>
    public static Task CutOffFirstAsync(HostCluster cluster, int seconds, double share) =>
        cluster.DisturbAsync(
            $"link of the first host down, {seconds} s",
            share,
            async () =>
            {
                cluster.Network.SetLink(HostCluster.First, LinkRule.Cut);
                await Task.Delay(TimeSpan.FromSeconds(seconds));
                cluster.Network.SetLink(HostCluster.First, LinkRule.Good);
            }
        );

    /// <summary>A process does nothing.</summary>
    public static Task HangAsync(HostCluster cluster, int stage, int seconds, double share) =>
        ForAWhileAsync(
            cluster,
            $"SIGSTOP of stage {stage}, {seconds} s",
            stage,
            seconds,
            share,
            (host, isOver) => cluster.Signal(host, isOver ? Signals.Continue : Signals.Stop)
        );

    /// <summary>The coordinator's process dies, be it a stage's too, and is started again at once at the same address.</summary>
    public static async Task KillCoordinatorAsync(HostCluster cluster, double share)
    {
        var host = await cluster.CoordinatorAsync();
        await KillAsync(cluster, "kill -9 of the coordinator, started again", share, host);
    }

    /// <summary>Both stages' processes die at once and are started again.</summary>
    public static async Task KillBothStagesAsync(HostCluster cluster, double share)
    {
        int[] hosts = [await cluster.HolderOfAsync(1), await cluster.HolderOfAsync(2)];
        await KillAsync(cluster, "kill -9 of both stages at once, started again", share, hosts);
    }

    /// <summary>One stage's process dies, and is started again at once at the same address.</summary>
    public static async Task KillStageAsync(HostCluster cluster, int stage, double share)
    {
        var host = await cluster.HolderOfAsync(stage);
        await KillAsync(cluster, $"kill -9 of stage {stage}, a spare", share, host);
    }

    /// <summary>The coordinator's process and a stage's die at once, and are started again.</summary>
    public static async Task KillCoordinatorAndStageAsync(HostCluster cluster, double share)
    {
        var coordinator = await cluster.CoordinatorAsync();
        int[] holders = [await cluster.HolderOfAsync(1), await cluster.HolderOfAsync(2)];
        var stage = holders.First(host => host != coordinator);
        await KillAsync(cluster, "kill -9 of the coordinator and a stage at once", share, coordinator, stage);
    }

    /// <summary>All frames take their time, some are lost, some overtaken, until the texts have ended.</summary>
    public static async Task DisturbFramesAsync(HostCluster cluster)
    {
        cluster.Network.SetAll(
            new LinkRule
            {
                Loss = 0.01,
                Delay = TimeSpan.FromMilliseconds(5),
                Jitter = TimeSpan.FromMilliseconds(5),
                Reorder = 0.05,
            }
        );
        await cluster.DisturbAsync("5 to 10 ms a frame, 1 % lost, 5 % overtaken", share: 0, () => Task.CompletedTask);
        cluster.Network.SetAll(LinkRule.Good);
    }

    private static async Task KillAsync(HostCluster cluster, string name, double share, params int[] hosts) =>
        await cluster.DisturbAsync(
            name,
            share,
            async () =>
            {
                Array.ForEach(hosts, cluster.Kill);
                await Task.WhenAll(hosts.Select(cluster.StartAsync));
            }
        );

    private static async Task ForAWhileAsync(
        HostCluster cluster,
        string name,
        int stage,
        int seconds,
        double share,
        Action<int, bool> set
    )
    {
        var host = await cluster.HolderOfAsync(stage);
        await cluster.DisturbAsync(
            name,
            share,
            async () =>
            {
                set(host, false);
                await Task.Delay(TimeSpan.FromSeconds(seconds));
                set(host, true);
            }
        );
    }
}
