using System.Net.Sockets;
using Akka.Actor;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Remoting;
using Ppsd.Tests.Actors.Stages;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Security;

/// <summary>A port that is open to anybody: whatever comes in, the pipeline goes on and nothing is held for it.</summary>
public sealed class MalformedFrameTests
{
    private const int FramesOfAKind = 250;
    private const int WireSerializerId = 7368;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private readonly Random _random = new(20251125);
    private int _originPort = 20_000;

    [Test]
    public async Task A_thousand_malformed_frames_change_nothing()
    {
        using var system = ActorSystem.Create("wire", PpsdConfig.Load(NodeRole.Local));
        var serializer = new WireSerializer((ExtendedActorSystem)system);
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: LogLines.Hocon);
        var nodes = new[] { cluster.AddStage(), cluster.AddStage() };
        var client = cluster.AddClient();
        var formed = await ToyCluster.FormedAsync(client);
        List<string> targets =
        [
            .. formed.Stages.Select(stage => stage.Actor.Path.ToSerializationFormat()),
            $"{nodes[0].Address}/user/stage-host",
            $"{nodes[0].Address}/user/text-gateway",
            $"{nodes[0].Address}/user/coordinator/singleton",
        ];
        var before = await client.GetSnapshotAsync(_patience, TimeProvider.System);

        for (var i = 0; i < FramesOfAKind; i++)
        {
            await SendAsync(Target(), Garbage());
            await SendAsync(Target(), [.. RemotingFrames.Hello().Span, .. Garbage()]);
            await SendAsync(Target(), Damaged(Target()));
        }

        var peers = new List<TcpClient>();
        foreach (var target in targets)
        {
            // A peer that knows how to open an association, but not what may be said in it.
            var peer = await AssociatedAsync(target);
            peers.Add(peer);
            for (var i = 0; i < FramesOfAKind / targets.Count; i++)
            {
                await peer.GetStream().WriteAsync(OffTheList(target));
                await peer.GetStream().WriteAsync(Lying(target));
            }
        }

        // Well formed, but not for these stages.
        foreach (var (_, forward) in MisfitBatches.All)
        {
            await peers[1].GetStream().WriteAsync(OnTheList(targets[1], serializer, forward));
        }

        await peers[0].GetStream().WriteAsync(OnTheList(targets[0], serializer, ForeignVerdict()));

        await SettledAsync();
        peers.ForEach(peer => peer.Dispose());
        var result = await client.Client.RunAsync(ToyPipeline.Request([1, 2], 40));
        await cluster.AssertNothingHeldAsync();
        var after = await client.GetSnapshotAsync(_patience, TimeProvider.System);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                result.Tokens,
                Is.EqualTo(cluster.Model.Generate([new TokenId(1), new TokenId(2)], 40, SamplingSettings.Greedy))
            );
            Assert.That(after.Epoch, Is.EqualTo(before.Epoch), "the pipeline had to be formed anew");
            Assert.That(after.Members.Select(member => member.IsReachable), Is.All.True);
            Assert.That(
                Refused(after) - Refused(before),
                Is.GreaterThanOrEqualTo((2 * FramesOfAKind) + MisfitBatches.All.Count() + 1),
                "refusals are not counted"
            );
            foreach (var (complaint, _) in MisfitBatches.All)
            {
                Assert.That(LogLines.All, Does.Contain($"stage 2 refused a micro-batch: {complaint}"));
            }

            Assert.That(LogLines.All, Does.Contain("stage 1 refused verdicts: token: expected 0 to 5, found 6"));
        }

        string Target() => targets[_random.Next(targets.Count)];

        // Frames are read in order, but nobody says when: the last ones have been when the count stands still.
        async Task SettledAsync()
        {
            for (long last = -1, now = 0; last != now; )
            {
                last = now;
                await Task.Delay(200);
                now = Refused(await client.GetSnapshotAsync(_patience, TimeProvider.System));
            }
        }
    }

    private static long Refused(Ppsd.Actors.Snapshots.ClusterSnapshot snapshot) =>
        snapshot.Stages.Sum(stage => stage.Status!.RefusedMessages);

    /// <summary>Bytes, half of them with a length before them that is true.</summary>
    private byte[] Garbage()
    {
        var bytes = RandomBytes(_random.Next(1, 2048));
        if (_random.Next(2) == 0 && bytes.Length > sizeof(int))
        {
            BitConverter.TryWriteBytes(bytes, bytes.Length - sizeof(int));
        }

        return bytes;
    }

    /// <summary>An association and a message, cut off or with bits flipped.</summary>
    private byte[] Damaged(string target)
    {
        byte[] bytes = [.. RemotingFrames.Hello().Span, .. Associate(), .. OffTheList(target)];
        if (_random.Next(2) == 0)
        {
            return bytes[.._random.Next(1, bytes.Length)];
        }

        for (var flips = _random.Next(1, 8); flips > 0; flips--)
        {
            bytes[_random.Next(bytes.Length)] ^= (byte)(1 << _random.Next(8));
        }

        return bytes;
    }

    /// <summary>A whole frame whose serializer or manifest nobody may use.</summary>
    private byte[] OffTheList(string target) =>
        _random.Next(4) switch
        {
            0 => RemotingFrames.Message(target, WireSerializerId, "forwards", [0xC0]),
            1 => RemotingFrames.Message(target, 1, "System.IO.FileInfo, System.Runtime", "\"/etc/passwd\""u8.ToArray()),
            2 => RemotingFrames.Message(target, 3, "", RandomBytes(40)),
            _ => RemotingFrames.Message(target, 4242, "anything", RandomBytes(20)),
        };

    /// <summary>A manifest of the list before bytes that are no such message.</summary>
    private byte[] Lying(string target)
    {
        string[] manifests =
        [
            "forward",
            "verdicts",
            "start",
            "formed",
            "assign",
            "offer",
            "cancel",
            "start-text",
            "end",
        ];
        byte[] nothing = [0xC0];
        byte[] huge = [0x9A, 0xDD, 0x7F, 0xFF, 0xFF, 0xFF];
        var payload = _random.Next(3) switch
        {
            0 => nothing,
            1 => huge,
            _ => [0xC1, .. RandomBytes(_random.Next(1, 100))],
        };
        return RemotingFrames.Message(target, WireSerializerId, manifests[_random.Next(manifests.Length)], payload);
    }

    private static byte[] OnTheList(string target, WireSerializer serializer, object message) =>
        RemotingFrames.Message(target, WireSerializerId, serializer.Manifest(message), serializer.ToBinary(message));

    private static Verdicts ForeignVerdict() =>
        new([new SessionVerdicts(TestBatches.Session(1), new RunId(0), [new CandidateId(1)], [new TokenId(6)])]);

    private byte[] Associate() => RemotingFrames.Associate(++_originPort);

    private byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private static async Task SendAsync(string target, byte[] bytes)
    {
        using var socket = await ConnectAsync(target);
        try
        {
            await socket.GetStream().WriteAsync(bytes);
        }
        catch (IOException)
        {
            // The node has hung up, as it may.
        }
    }

    /// <summary>A connection on which the node has answered the handshake.</summary>
    private async Task<TcpClient> AssociatedAsync(string target)
    {
        var socket = await ConnectAsync(target);
        using var patience = new CancellationTokenSource(_patience);
        await socket.GetStream().WriteAsync(RemotingFrames.Hello());
        await socket.GetStream().ReadExactlyAsync(new byte[Greeting.HelloBytes], patience.Token);
        await socket.GetStream().WriteAsync(Associate());
        Assert.That(await socket.GetStream().ReadAsync(new byte[1024], patience.Token), Is.GreaterThan(0));
        return socket;
    }

    private static async Task<TcpClient> ConnectAsync(string target)
    {
        var address = ActorPath.Parse(target).Address;
        var socket = new TcpClient();
        await socket.ConnectAsync(address.Host, address.Port!.Value);
        return socket;
    }
}
