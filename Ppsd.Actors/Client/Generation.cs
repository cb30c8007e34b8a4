using System.Threading.Channels;
using Akka.Actor;

namespace Ppsd.Actors.Client;

/// <summary>
/// A generation on its way. Read <see cref="Events"/> once, to the end; dispose to give up early. Thread-safe.
/// </summary>
public sealed class Generation : IAsyncDisposable
{
    private const int CreditBatch = GenerationActor.Window / 4;

    private readonly Channel<GenerationEvent> _events = Channel.CreateUnbounded<GenerationEvent>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true }
    );

    private readonly IActorRef _actor;

    internal Generation(IActorRefFactory system, Func<ChannelWriter<GenerationEvent>, Props> props)
    {
        // Bounded by the window, which the actor enforces: it must not wait for room itself.
        try
        {
            _actor = system.ActorOf(props(_events.Writer));
        }
        catch (InvalidOperationException e)
        {
            _actor = ActorRefs.Nobody;
            _events.Writer.TryComplete(GenerationException.OfLeaving(e));
        }
    }

    /// <summary>What happens, ending with <see cref="GenerationEnded"/>.</summary>
    /// <param name="cancellation">Stops reading; the generation is then cancelled at every stage.</param>
    /// <exception cref="GenerationException">The request was refused or the generation broke off.</exception>
    public async IAsyncEnumerable<GenerationEvent> Events(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        await using (this.ConfigureAwait(false))
        {
            var unreported = 0;
            var isComplete = false;
            await foreach (var next in _events.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                isComplete = next is GenerationEnded;
                yield return next;
                if (next is TokensGenerated generated && (unreported += generated.Tokens.Count) >= CreditBatch)
                {
                    _actor.Tell(new GenerationActor.TokensRead(unreported));
                    unreported = 0;
                }
            }

            if (!isComplete)
            {
                throw GenerationException.Unfinished();
            }
        }
    }

    /// <summary>
    /// Asks for an early end (a stop string was found, a user has seen enough). Events still arrive until
    /// <see cref="GenerationEnded"/> with its figures.
    /// </summary>
    public void Stop() => _actor.Tell(GenerationActor.StopRequested.Instance);

    /// <summary>Cancels the generation if it is still running.</summary>
    public ValueTask DisposeAsync()
    {
        _actor.Tell(GenerationActor.Abandoned.Instance);
        return ValueTask.CompletedTask;
    }
}
