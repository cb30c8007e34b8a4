using Akka.Actor;
using Akka.Configuration;
using Ppsd.Actors.Remoting;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Actors.Security;

/// <summary>What passes between nodes is a list; whatever else Akka could deliver is stopped before it is read.</summary>
public sealed class InboundMessagesTests
{
    private const string Node = "akka.tcp://ppsd@127.0.0.1:4053";
    private const string Coordinator = $"{Node}/user/coordinator/singleton";
    private const int System = 22;
    private const int Misc = 16;
    private const int Cluster = 5;

    [TestCase(7368, "offer", Coordinator)]
    [TestCase(7368, "pipeline", $"{Node}/temp/$a")]
    [TestCase(Cluster, "HBR", $"{Node}/system/cluster/core/daemon/heartbeatSender")]
    [TestCase(Cluster, "Akka.Cluster.GossipEnvelope, Akka.Cluster", $"{Node}/system/cluster/core/daemon#17")]
    [TestCase(14, "A", $"{Node}/user/coordinator#-12")]
    [TestCase(Misc, "AID", $"{Node}/user/coordinator-proxy")]
    [TestCase(Misc, "RWHB", $"{Node}/system/remote-watcher")]
    [TestCase(System, "Akka.Dispatch.SysMsg.Watch, Akka", $"{Node}/user/stage-host/stage-1-1#5")]
    [TestCase(System, "Akka.Dispatch.SysMsg.Unwatch, Akka", Coordinator)]
    [TestCase(System, "Akka.Dispatch.SysMsg.DeathWatchNotification, Akka", Coordinator)]
    public void What_nodes_send_each_other_passes(int serializer, string manifest, string recipient) =>
        Assert.That(Takes(RemotingFrames.Content(recipient, serializer, manifest, [1, 2, 3])), Is.True);

    [TestCase(Misc, "K", Coordinator)]
    [TestCase(Misc, "PP", Coordinator)]
    [TestCase(Misc, "IR", Coordinator)]
    [TestCase(Misc, "STF", Coordinator)]
    [TestCase(Misc, "CF", Coordinator)]
    [TestCase(System, "Akka.Dispatch.SysMsg.Suspend, Akka", $"{Node}/user/stage-host/stage-1-1")]
    [TestCase(System, "Akka.Dispatch.SysMsg.Resume, Akka", $"{Node}/user/stage-host/stage-1-1")]
    [TestCase(System, "Akka.Dispatch.SysMsg.Terminate, Akka", $"{Node}/user/stage-host")]
    [TestCase(System, "Akka.Dispatch.SysMsg.Recreate, Akka", Coordinator)]
    [TestCase(System, "Akka.Dispatch.SysMsg.Failed, Akka", Coordinator)]
    [TestCase(System, "Akka.Dispatch.SysMsg.Supervise, Akka", Coordinator)]
    [TestCase(System, "System.IO.FileInfo, System.Runtime", Coordinator)]
    [TestCase(Cluster, "Akka.Cluster.ClusterUserAction+Down, Akka.Cluster", $"{Node}/system/cluster/core/daemon")]
    [TestCase(Cluster, "Akka.Cluster.ClusterUserAction+Leave, Akka.Cluster", $"{Node}/system/cluster/core/daemon")]
    [TestCase(Cluster, "HB", $"{Node}/user/stage-host")]
    [TestCase(7368, "cancel", $"{Node}/system/cluster/core/daemon")]
    [TestCase(14, "A", $"{Node}/user/stage-host")]
    [TestCase(1, "System.IO.FileInfo, System.Runtime", Coordinator)]
    [TestCase(2, "", Coordinator)]
    [TestCase(3, "", $"{Node}/remote")]
    [TestCase(17, "S", Coordinator)]
    [TestCase(4242, "anything", Coordinator)]
    public void Whatever_else_Akka_would_deliver_does_not(int serializer, string manifest, string recipient)
    {
        var taken = InboundMessages.IsAllowed(
            RemotingFrames.Content(recipient, serializer, manifest, [1, 2, 3]),
            out var complaint
        );
        using (Assert.EnterMultipleScope())
        {
            Assert.That(taken, Is.False);
            Assert.That(complaint, Does.StartWith($"'{manifest}' of serializer {serializer} for /"));
        }
    }

    [TestCase(Cluster, "HB", "system/cluster/heartbeatReceiver", true)]
    [TestCase(Misc, "ID", "user/coordinator/singleton", true)]
    [TestCase(Misc, "K", "user/coordinator/singleton", false)]
    [TestCase(System, "Akka.Dispatch.SysMsg.Suspend, Akka", "user/coordinator", false)]
    [TestCase(Cluster, "Akka.Cluster.ClusterUserAction+Down, Akka.Cluster", "system/cluster/core/daemon", false)]
    public void A_selection_is_judged_by_what_it_carries(int serializer, string manifest, string path, bool passes)
    {
        const int ChildName = 2;
        Assert.That(Takes(Selection(serializer, manifest, path, ChildName)), Is.EqualTo(passes));
    }

    [TestCase(1)]
    [TestCase(3)]
    public void A_selection_by_pattern_or_of_a_parent_does_not_pass(int type) =>
        Assert.That(Takes(Selection(Misc, "ID", "user/*", type)), Is.False);

    [Test]
    public void A_second_field_that_a_parser_would_merge_into_the_first_does_not_pass()
    {
        byte[] innocent = [.. RemotingFrames.Number(2, 7368), .. RemotingFrames.Text(3, "offer")];
        byte[] envelope =
        [
            .. RemotingFrames.Bytes(1, RemotingFrames.Text(1, Coordinator)),
            .. RemotingFrames.Bytes(2, innocent),
            .. RemotingFrames.Bytes(2, [.. RemotingFrames.Number(2, Misc), .. RemotingFrames.Text(3, "K")]),
        ];
        byte[] twoIds =
        [
            .. RemotingFrames.Number(2, 7368),
            .. RemotingFrames.Number(2, Misc),
            .. RemotingFrames.Text(3, "K"),
        ];
        byte[] wide = [.. RemotingFrames.Number(2, (1UL << 32) + Misc), .. RemotingFrames.Text(3, "K")];
        Assert.Multiple(() =>
        {
            Assert.That(Takes(RemotingFrames.Bytes(1, RemotingFrames.Bytes(2, envelope))), Is.False);
            Assert.That(Takes(Of(twoIds)), Is.False);
            Assert.That(Takes(Of(wide)), Is.False);
            Assert.That(Takes(Of(innocent)), Is.True);
        });

        static byte[] Of(byte[] message) =>
            RemotingFrames.Bytes(
                1,
                RemotingFrames.Bytes(
                    2,
                    [
                        .. RemotingFrames.Bytes(1, RemotingFrames.Text(1, Coordinator)),
                        .. RemotingFrames.Bytes(2, message),
                    ]
                )
            );
    }

    [Test]
    public void Every_manifest_on_the_list_is_one_that_Akka_writes()
    {
        // A release of Akka that names them otherwise would be cut off by this one.
        using var system = ActorSystem.Create(
            "manifests",
            ConfigurationFactory.ParseString(
                "akka.actor.provider = cluster\nakka.remote.dot-netty.tcp.port = 0\nakka.loglevel = OFF\nakka.stdout-loglevel = OFF"
            )
        );
        var serialization = system.Serialization;
        Assert.Multiple(() =>
        {
            Assert.That(IdOf(new Identify(1)), Is.EqualTo((Misc, "ID")));
            Assert.That(IdOf(new ActorIdentity(1, ActorRefs.Nobody)), Is.EqualTo((Misc, "AID")));
            Assert.That(IdOf(Kill.Instance), Is.EqualTo((Misc, "K")));
            Assert.That(
                IdOf(new Akka.Dispatch.SysMsg.DeathWatchNotification(ActorRefs.Nobody, true, true)),
                Is.EqualTo((System, "Akka.Dispatch.SysMsg.DeathWatchNotification, Akka"))
            );
            Assert.That(
                IdOf(new Akka.Dispatch.SysMsg.Suspend()),
                Is.EqualTo((System, "Akka.Dispatch.SysMsg.Suspend, Akka"))
            );
        });

        (int, string) IdOf(object message)
        {
            var serializer = serialization.FindSerializerFor(message);
            return (serializer.Identifier, Akka.Serialization.Serialization.ManifestFor(serializer, message));
        }
    }

    private static bool Takes(byte[] frame) => InboundMessages.IsAllowed(frame, out _);

    private static byte[] Selection(int serializer, string manifest, string path, int type)
    {
        byte[] message =
        [
            .. RemotingFrames.Bytes(1, [7]),
            .. RemotingFrames.Number(2, (ulong)serializer),
            .. RemotingFrames.Text(3, manifest),
        ];
        byte[] envelope =
        [
            .. RemotingFrames.Bytes(1, message),
            .. path.Split('/')
                .SelectMany(name =>
                    RemotingFrames.Bytes(2, [.. RemotingFrames.Number(1, (ulong)type), .. RemotingFrames.Text(2, name)])
                ),
        ];
        return RemotingFrames.Content($"{Node}/", 6, "", envelope);
    }
}
