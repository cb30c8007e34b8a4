using System.Runtime.CompilerServices;
using Akka.Actor;
using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Text;

namespace Ppsd.Tests.Actors.Text;

/// <summary>A gateway with a reader that the test plays.</summary>
public sealed class TextGatewayTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private ActorSystem _system = null!;

    [OneTimeSetUp]
    public void Start() => _system = ActorSystem.Create("gateway", PpsdConfig.Load(NodeRole.Local));

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _system.Terminate();
        _system.Dispose();
    }

    [Test]
    public async Task Only_as_much_leaves_as_the_reader_has_room_for()
    {
        var model = new EndlessModel();
        var gateway = _system.ActorOf(Props.Create(() => new TextGatewayActor(model, 2)));
        using var reader = Inbox.Create(_system);
        gateway.Tell(Request(window: 3), reader.Receiver);
        Assert.That(await reader.ReceiveAsync(_patience), Is.TypeOf<TextAccepted>());
        await TakeAsync(reader, 0, 3);

        // The fourth was made and waits for room; the fifth is not even made.
        await model.Made(4);
        Assert.That(model.Count, Is.EqualTo(4));
        var session = await _system.ActorSelection(gateway.Path / "*").ResolveOne(_patience);
        session.Tell(new TextCredit(2), reader.Receiver);
        await TakeAsync(reader, 3, 2);
        await model.Made(6);
        Assert.That(model.Count, Is.EqualTo(6));

        session.Tell(new StopText(), reader.Receiver);
        await model.Ended.WaitAsync(_patience);
    }

    [Test]
    public async Task Credit_that_was_never_owed_gains_nothing()
    {
        var window = new ReaderWindow(2);
        window.Return(1000);
        await window.TakeAsync(default);
        await window.TakeAsync(default);
        Assert.That(window.TakeAsync(default).IsCompleted, Is.False);
        window.Return(-5);
        Assert.That(window.TakeAsync(default).IsCompleted, Is.False);
    }

    [Test]
    public async Task A_reader_that_dies_ends_its_text()
    {
        var model = new EndlessModel();
        var gateway = _system.ActorOf(Props.Create(() => new TextGatewayActor(model, 2)));
        using (var reader = Inbox.Create(_system))
        {
            gateway.Tell(Request(window: 1), reader.Receiver);
            await TakeFirstAsync(reader);
            _system.Stop(reader.Receiver);
        }

        await model.Ended.WaitAsync(_patience);
    }

    [Test]
    public async Task More_texts_than_the_node_serves_are_refused_until_one_ends()
    {
        var model = new EndlessModel();
        var gateway = _system.ActorOf(Props.Create(() => new TextGatewayActor(model, 1)));
        using var first = Inbox.Create(_system);
        using var second = Inbox.Create(_system);
        gateway.Tell(Request(window: 1), first.Receiver);
        await TakeFirstAsync(first);

        gateway.Tell(Request(window: 1), second.Receiver);
        var refused = (TextFailed)await second.ReceiveAsync(_patience);
        Assert.That(refused.Failure, Is.EqualTo(GenerationFailure.Unavailable));
        Assert.That(refused.Reason, Does.Contain("serves 1 texts already"));
    }

    private static StartText Request(int window) =>
        new()
        {
            Prompt = "1",
            Settings = new TextSettings(),
            Window = window,
        };

    private static async Task TakeFirstAsync(Inbox reader)
    {
        Assert.That(await reader.ReceiveAsync(_patience), Is.TypeOf<TextAccepted>());
        await TakeAsync(reader, 0, 1);
    }

    private static async Task TakeAsync(Inbox reader, int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            Assert.That(((TextEmitted)await reader.ReceiveAsync(_patience)).Index, Is.EqualTo(i));
        }
    }

    /// <summary>Goes on for as long as somebody takes it.</summary>
    private sealed class EndlessModel : ITextModel
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public string Name => "endless";

        public int Count => Volatile.Read(ref _count);

        /// <summary>Completes when the text has ended.</summary>
        public Task Ended => _ended.Task;

        public async Task Made(int count)
        {
            while (Count < count)
            {
                await Task.Yield();
            }
        }

        public async IAsyncEnumerable<IWireMessage> GenerateAsync(
            StartText request,
            [EnumeratorCancellation] CancellationToken cancellation
        )
        {
            try
            {
                while (!cancellation.IsCancellationRequested)
                {
                    Interlocked.Increment(ref _count);
                    yield return new TextEmitted(_count - 1, "x");
                    await Task.Yield();
                }
            }
            finally
            {
                _ended.TrySetResult();
            }
        }
    }
}
