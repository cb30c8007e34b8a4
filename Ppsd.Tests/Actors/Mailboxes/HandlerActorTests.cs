using Akka.Actor;
using Akka.Event;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Mailboxes;

namespace Ppsd.Tests.Actors.Mailboxes;

/// <summary>Which of an actor's handlers takes a message.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class HandlerActorTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [TestCase(1, "even or odd: 1")]
    [TestCase(2, "even: 2")]
    [TestCase("text", "object: text")]
    public async Task The_first_handler_that_fits_takes_a_message(object message, string expected)
    {
        using var system = ActorSystem.Create("handlers", PpsdConfig.Load(NodeRole.Local));
        var actor = system.ActorOf(Props.Create(() => new Listing(takesAny: true)));

        Assert.That(await actor.Ask<string>(message, _patience), Is.EqualTo(expected));
    }

    [Test]
    public async Task A_message_that_no_handler_takes_is_unhandled()
    {
        using var system = ActorSystem.Create("handlers", PpsdConfig.Load(NodeRole.Local));
        var unhandled = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = system.ActorOf(Props.Create(() => new Listener(unhandled)));
        system.EventStream.Subscribe(listener, typeof(UnhandledMessage));

        system.ActorOf(Props.Create(() => new Listing(takesAny: false))).Tell("text");

        Assert.That(await unhandled.Task.WaitAsync(_patience), Is.EqualTo("text"));
    }

    private sealed class Listing : HandlerActor
    {
        public Listing(bool takesAny)
        {
            Receive<int>(number => Sender.Tell($"even: {number}"), number => number % 2 == 0);
            Receive<int>(number => Sender.Tell($"even or odd: {number}"));
            if (takesAny)
            {
                ReceiveAny(message => Sender.Tell($"object: {message}"));
            }
        }
    }

    private sealed class Listener : HandlerActor
    {
        public Listener(TaskCompletionSource<object> unhandled) =>
            Receive<UnhandledMessage>(message => unhandled.TrySetResult(message.Message));
    }
}
