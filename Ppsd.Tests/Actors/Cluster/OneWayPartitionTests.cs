using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>Links that carry one direction only, between real nodes: a stage that is well stays, whatever becomes of the other.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OneWayPartitionTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task Of_two_stages_of_which_one_does_not_hear_the_other_only_the_younger_is_removed(
        [Values(0, 1)] int deaf
    )
    {
        await using var cluster = Create(stableAfter: "2s");
        var (coordinator, stages, downed) = await FormAsync(cluster);

        var ears = Ears.Of(stages[deaf].System);
        ears.CloseTo(AddressOf(stages[1 - deaf]));
        await UntilAsync(coordinator, IsGone(stages[1]));
        await stages[1].Terminated.WaitAsync(_patience);
        ears.Open();

        cluster.AddStage(wantedStage: 1);
        await AssertServesAgainAsync(cluster, coordinator);
        Assert.That(downed, Is.EqualTo(new[] { AddressOf(stages[1]) }));
        Assert.That(stages[0].Terminated.IsCompleted, Is.False);
    }

    /// <summary>What it says of whom it does not reach still gets round while it loses one after the other.</summary>
    [Test]
    public async Task A_stage_that_hears_nobody_is_removed_alone()
    {
        await using var cluster = Create(stableAfter: "3s");
        var (coordinator, stages, downed) = await FormAsync(cluster);

        var ears = Ears.Of(stages[1].System);
        ears.CloseTo(AddressOf(stages[0]));
        await UntilAsync(coordinator, state => state.Unreachable.Count == 2);
        ears.Close();
        await UntilAsync(coordinator, IsGone(stages[1]));
        await stages[1].Terminated.WaitAsync(_patience);

        cluster.AddStage(wantedStage: 1);
        await AssertServesAgainAsync(cluster, coordinator);
        Assert.That(downed, Is.EqualTo(new[] { AddressOf(stages[1]) }));
    }

    [Test]
    public async Task Nobody_is_removed_when_the_link_heals_before_the_verdict()
    {
        await using var cluster = Create(stableAfter: "300s");
        var (coordinator, stages, downed) = await FormAsync(cluster);

        var ears = Ears.Of(stages[1].System);
        ears.CloseTo(AddressOf(stages[0]));
        await UntilAsync(coordinator, state => state.Unreachable.Count == 2);
        ears.Open();

        await AssertServesAgainAsync(cluster, coordinator);
        Assert.That(downed, Is.Empty);
        Assert.That(
            (await ToyCluster.FormedAsync(coordinator)).Epoch.Value,
            Is.EqualTo(1),
            "it has stood all the time"
        );
    }

    [Test]
    public async Task A_spare_at_the_address_of_a_stage_that_was_lost_costs_no_other_stage()
    {
        await using var cluster = Create(stableAfter: "3s");
        var (coordinator, stages, downed) = await FormAsync(cluster);

        Ears.Of(stages[1].System).CloseTo(AddressOf(stages[0]));
        await UntilAsync(coordinator, state => state.Unreachable.Count == 2);
        await cluster.CrashAsync(stages[1]);
        cluster.AddStage(port: AddressOf(stages[1]).Port!.Value, isSpare: true);

        await AssertServesAgainAsync(cluster, coordinator);
        Assert.That(downed.Distinct(), Is.EqualTo(new[] { AddressOf(stages[1]) }));
        Assert.That(stages[0].Terminated.IsCompleted, Is.False);
    }

    private static ToyCluster Create(string stableAfter) =>
        new(
            2,
            ToyDrafters.Mostly,
            hocon: $"""
            akka.loglevel = WARNING
            akka.remote.log-remote-lifecycle-events = WARNING
            {LogLines.Hocon}
            akka.cluster.run-coordinated-shutdown-when-down = on
            akka.cluster.split-brain-resolver.stable-after = {stableAfter}
            akka.cluster.split-brain-resolver.down-all-when-unstable = off
            {DeafTransport.Hocon}
            """
        );

    /// <summary>A coordinator and two stages, the older one first, and whom the coordinator sees taken down from now on.</summary>
    private static async Task<(
        ClusterNode Coordinator,
        ClusterNode[] Stages,
        ConcurrentQueue<Address> Downed
    )> FormAsync(ToyCluster cluster)
    {
        var coordinator = cluster.AddCoordinator();
        var downed = new ConcurrentQueue<Address>();
        coordinator.System.ActorOf(Props.Create(() => new DownedMembers(downed)));
        var older = cluster.AddStage(wantedStage: 0);
        await UntilAsync(coordinator, AreUp(2));
        var younger = cluster.AddStage(wantedStage: 1);
        await UntilAsync(coordinator, AreUp(3));
        await ToyCluster.FormedAsync(coordinator);
        return (coordinator, [older, younger], downed);
    }

    private static async Task AssertServesAgainAsync(ToyCluster cluster, ClusterNode coordinator)
    {
        await UntilAsync(coordinator, AreUp(3));
        await ToyCluster.StateAsync(coordinator, state => state.IsAdmitting);
        var request = ToyPipeline.Request([1, 2], 20);
        Assert.That(
            (await coordinator.Client.RunAsync(request)).Tokens,
            Is.EqualTo(cluster.Model.Generate(request.Prompt, 20, SamplingSettings.Greedy))
        );
    }

    private static Func<ClusterEvent.CurrentClusterState, bool> AreUp(int count) =>
        state =>
            state.Unreachable.Count == 0
            && state.Members.Count == count
            && state.Members.All(member => member.Status == MemberStatus.Up);

    private static Func<ClusterEvent.CurrentClusterState, bool> IsGone(ClusterNode node) =>
        state => state.Members.All(member => member.Address != AddressOf(node));

    private static async Task UntilAsync(ClusterNode asker, Func<ClusterEvent.CurrentClusterState, bool> isReached)
    {
        var started = Stopwatch.GetTimestamp();
        var itself = Akka.Cluster.Cluster.Get(asker.System);
        while (!isReached(itself.State))
        {
            Assert.That(
                Stopwatch.GetElapsedTime(started),
                Is.LessThan(_patience),
                () =>
                    $"the members are not as expected: {string.Join(", ", itself.State.Members)}; "
                    + $"not reached: {string.Join(", ", itself.State.Unreachable.Select(member => member.Address))}"
                    + string.Concat(LogLines.All.TakeLast(100).Select(line => $"\n{line}"))
            );
            await Task.Delay(50);
        }
    }

    private static Address AddressOf(ClusterNode node) => Address.Parse(node.Address);

    private sealed class DownedMembers : ReceiveActor
    {
        public DownedMembers(ConcurrentQueue<Address> downed)
        {
            Akka.Cluster.Cluster.Get(Context.System)
                .Subscribe(
                    Self,
                    ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
                    typeof(ClusterEvent.MemberDowned)
                );
            Receive<ClusterEvent.MemberDowned>(down => downed.Enqueue(down.Member.Address));
        }
    }
}
