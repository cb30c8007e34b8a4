using System.Buffers;
using System.Diagnostics;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Links;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Remoting;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Actors.Links;

/// <summary>Messages over sockets of their own arrive as they were sent, and nobody else gets a word in.</summary>
public sealed class LinkListenerTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _arrived = new(0);
    private readonly List<object> _messages = [];
    private ActorSystem _system = null!;
    private WireSerializer _serializer = null!;
    private LinkListener _listener = null!;

    [SetUp]
    public void SetUp()
    {
        _messages.Clear();
        _system = ActorSystem.Create("links");
        _serializer = new WireSerializer((ExtendedActorSystem)_system);
        _listener = LinkListener.TryStart("127.0.0.1", "127.0.0.1", _serializer, Deliver)!;
    }

    [TearDown]
    public async Task TearDown()
    {
        _listener.Dispose();
        await _system.Terminate();
        _system.Dispose();
    }

    [OneTimeTearDown]
    public void DisposeAll() => _arrived.Dispose();

    [Test]
    public async Task Messages_arrive_in_order_and_whole()
    {
        using var link = DirectLink.TryConnect(_listener.Endpoint, _serializer)!;
        for (var i = 0; i < 50; i++)
        {
            Assert.That(link.TrySend(Message(i, hiddenBytes: 8 * (1 + (i * 2003)))), Is.True);
        }

        for (var i = 0; i < 50; i++)
        {
            Assert.That(await _arrived.WaitAsync(_patience), Is.True);
        }

        for (var i = 0; i < 50; i++)
        {
            var forward = (Forward)_messages[i];
            Assert.That(forward.Batch.Number, Is.EqualTo(new BatchNumber(i)));
            Assert.That(forward.Hidden.Length, Is.EqualTo(8 * (1 + (i * 2003))));
        }
    }

    /// <summary>The stage's thread looks while the link's own waits: each message is read once, and in its turn.</summary>
    [Test]
    public async Task Two_threads_that_read_deliver_each_message_once_and_in_order()
    {
        var count = 0;
        using var link = DirectLink.TryConnect(_listener.Endpoint, _serializer)!;
        using var stop = new CancellationTokenSource();
        var taken = 0;
        var looking = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Interlocked.Add(ref taken, _listener.TryTake() ? 1 : 0);
            }
        });

        // On a busy machine the thread that looks may not run for long: until it has taken something, there is more.
        for (; count < 2000 || Volatile.Read(ref taken) == 0; count++)
        {
            Assert.That(link.TrySend(Message(count, hiddenBytes: 8 * (1 + count % 300))), Is.True);
        }

        for (var i = 0; i < count; i++)
        {
            Assert.That(await _arrived.WaitAsync(_patience), Is.True);
        }

        await stop.CancelAsync();
        await looking;
        Assert.That(
            _messages.Select(message => ((Forward)message).Batch.Number),
            Is.EqualTo(Enumerable.Range(0, count).Select(i => new BatchNumber(i)))
        );
    }

    /// <summary>Whoever looks must not come to wait for the rest of a message.</summary>
    [Test]
    public async Task Half_a_message_is_left_to_the_thread_that_may_wait()
    {
        using var socket = Admitted();
        var frame = Frame(Message(0, 8192));
        socket.Send(frame.AsSpan(0, 100));
        for (var i = 0; i < 1000; i++)
        {
            Assert.That(_listener.TryTake(), Is.False);
        }

        socket.Send(frame.AsSpan(100));
        Assert.That(await _arrived.WaitAsync(_patience), Is.True);
        Assert.That(_messages, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Sending_allocates_less_than_it_sends()
    {
        const int HiddenBytes = 64 << 10;
        using var link = DirectLink.TryConnect(_listener.Endpoint, _serializer)!;
        var message = Message(0, HiddenBytes);
        var sent = 0;
        Send();

        Assert.That(Allocations.LeastOf(Send), Is.LessThan(HiddenBytes / 16));
        for (var i = 0; i < sent; i++)
        {
            Assert.That(await _arrived.WaitAsync(_patience), Is.True);
        }

        void Send()
        {
            Assert.That(link.TrySend(message), Is.True);
            sent++;
        }
    }

    /// <summary>What a node in a container binds.</summary>
    [Test]
    public async Task Every_address_of_a_machine_can_be_bound_at_once()
    {
        using var listener = LinkListener.TryStart("0.0.0.0", "127.0.0.1", _serializer, Deliver)!;
        using var link = DirectLink.TryConnect(listener.Endpoint, _serializer)!;
        Assert.That(link.TrySend(Message(1, hiddenBytes: 8)), Is.True);
        Assert.That(await _arrived.WaitAsync(_patience), Is.True);
    }

    [Test]
    public async Task A_peer_without_the_key_is_cut_off_unheard()
    {
        using var socket = Connected();
        var greeting = Greeting.OfClient(ClusterSecret.OfLink(new byte[LinkEndpoint.KeyBytes], null));
        socket.Send(greeting.Hello.Span);
        var hello = new byte[Greeting.HelloBytes];
        Assert.That(LinkFrame.TryFill(socket, hello), Is.True);
        greeting.Meet(hello);
        socket.Send(greeting.Prove());
        socket.Send(Frame(Message(0, 8)));
        var answer = new byte[Greeting.AnswerBytes];
        Assert.That(LinkFrame.TryFill(socket, answer), Is.True);

        Assert.That(answer, Is.All.Zero);
        Assert.That(await IsClosedAsync(socket), Is.True);
        Assert.That(_messages, Is.Empty);
    }

    [Test]
    public async Task A_peer_without_the_clusters_secret_is_cut_off_though_it_has_the_key()
    {
        var secret = ClusterSecret.Of(ConfigurationFactory.ParseString(ClusterSecret.Hocon("ours")));
        var other = ClusterSecret.Of(ConfigurationFactory.ParseString(ClusterSecret.Hocon("theirs")));
        using var listener = LinkListener.TryStart("127.0.0.1", "127.0.0.1", _serializer, Deliver, secret)!;

        Assert.That(DirectLink.TryConnect(listener.Endpoint, _serializer, other), Is.Null);
        Assert.That(DirectLink.TryConnect(listener.Endpoint, _serializer), Is.Null);
        using var link = DirectLink.TryConnect(listener.Endpoint, _serializer, secret)!;
        Assert.That(link.TrySend(Message(1, hiddenBytes: 8)), Is.True);
        Assert.That(await _arrived.WaitAsync(_patience), Is.True);
    }

    [Test]
    [NonParallelizable] // It counts the threads of the process.
    public async Task Silent_connections_cost_no_thread_and_keep_no_peer_out()
    {
        var before = Process.GetCurrentProcess().Threads.Count;
        List<Socket> silent = [.. Enumerable.Range(0, 4 * LinkDoor.MaxPending).Select(_ => Connected())];

        using var link = DirectLink.TryConnect(_listener.Endpoint, _serializer)!;
        Assert.That(link.TrySend(Message(1, hiddenBytes: 8)), Is.True);
        Assert.That(await _arrived.WaitAsync(_patience), Is.True);
        Assert.That(Process.GetCurrentProcess().Threads.Count, Is.LessThan(before + LinkDoor.MaxPending));
        silent.ForEach(socket => socket.Dispose());
    }

    [Test]
    public async Task What_is_no_message_of_the_data_path_ends_the_connection()
    {
        byte[][] frames =
        [
            Frame(new GetStageStatus()),
            [255, 255, 255, 127, 0, 0],
            [3, 0, 0, 0, 200, 1, 2],
            [5, 0, 0, 0, 3, (byte)'a', (byte)'b', (byte)'c', 0],
        ];
        foreach (var frame in frames)
        {
            using var socket = Admitted();
            socket.Send(frame);
            Assert.That(await IsClosedAsync(socket), Is.True);
        }

        Assert.That(_messages, Is.Empty);
    }

    [Test]
    public void A_link_whose_peer_is_gone_says_so_and_a_peer_that_is_not_there_is_not_waited_for()
    {
        using var link = DirectLink.TryConnect(_listener.Endpoint, _serializer)!;
        _listener.Dispose();

        // The first writes may still land in the network's own buffers.
        var isBroken = false;
        for (var i = 0; i < 1000 && !isBroken; i++)
        {
            isBroken = !link.TrySend(Message(i, 65536));
        }

        Assert.That(isBroken, Is.True);
        Assert.That(link.TrySend(Message(0, 8)), Is.False);
        Assert.That(DirectLink.TryConnect(_listener.Endpoint, _serializer), Is.Null);
    }

    private Socket Connected()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(_listener.Endpoint.Host, _listener.Endpoint.Port);
        return socket;
    }

    /// <summary>A peer that has proved that it has the key.</summary>
    private Socket Admitted()
    {
        var socket = Connected();
        Assert.That(DirectLink.TryGreet(socket, ClusterSecret.OfLink(_listener.Endpoint.Key, null)), Is.True);
        return socket;
    }

    private void Deliver(object message)
    {
        lock (_messages)
        {
            _messages.Add(message);
        }

        _arrived.Release();
    }

    private static async Task<bool> IsClosedAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(_patience);
        try
        {
            return await socket.ReceiveAsync(new byte[1], patience.Token) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private byte[] Frame(object message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        LinkFrame.Write(message, _serializer, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static Forward Message(int number, int hiddenBytes) =>
        new(
            new MicroBatch(
                new BatchNumber(number),
                [
                    new BatchPart
                    {
                        Session = SessionId.Create(new PipelineEpoch(1), 0),
                        Run = new RunId(0),
                        Base = VerifiedPath.Empty,
                        Candidates = [new CandidateId(number)],
                        Tokens = [new TokenId(0)],
                        Parents = [CandidateId.Root],
                        CertainCount = 0,
                        FirstHeadRow = 0,
                    },
                ]
            ),
            HiddenStates.Keep(new byte[hiddenBytes])
        );
}
