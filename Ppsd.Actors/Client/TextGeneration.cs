using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Akka.Actor;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>The reader's side of a text: it grants the gateway room for more as segments are read.</summary>
internal static class TextGeneration
{
    /// <summary>Segments that may wait here for the reader.</summary>
    public const int Window = 64;

    private const int CreditBatch = Window / 4;

    /// <summary>Starts a text and yields what comes: <see cref="TextAccepted"/>, segments, <see cref="TextEnded"/>.</summary>
    /// <param name="system">Where the client's actors live.</param>
    /// <param name="props">Creates the client's actor, given the channel that it writes to.</param>
    /// <param name="cancellation">Stops the text at every stage.</param>
    /// <exception cref="GenerationException">It was refused or broke off.</exception>
    public static async IAsyncEnumerable<IWireMessage> ReadAsync(
        IActorRefFactory system,
        Func<ChannelWriter<IWireMessage>, Props> props,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        // Bounded by the window, which the client's end enforces: an actor must not wait for room.
        var parts = Channel.CreateUnbounded<IWireMessage>(
            new UnboundedChannelOptions { SingleReader = true, SingleWriter = true }
        );
        var actor = Start(system, props(parts.Writer));
        try
        {
            var unreported = 0;
            var isComplete = false;
            await foreach (var part in parts.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                isComplete = part is TextEnded;
                yield return part;
                if (part is TextEmitted && ++unreported == CreditBatch)
                {
                    actor.Tell(new TextCredit(unreported));
                    unreported = 0;
                }
            }

            if (!isComplete)
            {
                throw GenerationException.Unfinished();
            }
        }
        finally
        {
            actor.Tell(PoisonPill.Instance);
        }
    }

    private static IActorRef Start(IActorRefFactory system, Props props)
    {
        try
        {
            return system.ActorOf(props);
        }
        catch (InvalidOperationException e)
        {
            throw GenerationException.OfLeaving(e);
        }
    }
}
