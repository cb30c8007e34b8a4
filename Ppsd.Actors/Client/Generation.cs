using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Akka.Actor;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>
/// A generation on its way. Read <see cref="Events"/> once, to the end; dispose to give up early. Goes on when the cluster has
/// removed this process and it has joined anew, where its client's settings let texts be resumed. Thread-safe.
/// </summary>
public sealed class Generation : IAsyncDisposable
{
    private const int CreditBatch = GenerationActor.Window / 4;

    private readonly Lock _lock = new();
    private readonly IClientHomes _homes;
    private readonly TimeSpan _startTimeout;
    private readonly ResumePolicy _policy;

    /// <summary>What there is of the text: the actor's until its channel is complete, then the reader's until the next starts.</summary>
    private readonly HeldGeneration _held;
    private readonly ReadingClock _clock;
    private readonly TaskCompletionSource _abandoned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ClientHome _home;
    private ChannelReader<GenerationEvent> _events;
    private IActorRef _actor;
    private bool _isStopRequested;

    internal Generation(
        IClientHomes homes,
        StartSession request,
        TimeSpan startTimeout,
        ResumePolicy policy,
        TimeProvider clock
    )
    {
        (_homes, _startTimeout, _policy) = (homes, startTimeout, policy);
        _held = new HeldGeneration(request with { Window = GenerationActor.Window }, policy.MaxResumes);
        _clock = new ReadingClock(clock);
        _home = homes.Current;
        (_actor, _events) = StartActor();
    }

    /// <summary>What happens, ending with <see cref="GenerationEnded"/>.</summary>
    /// <param name="cancellation">Stops reading; the generation is then cancelled at every stage.</param>
    /// <exception cref="GenerationException">The request was refused or the generation broke off.</exception>
    public async IAsyncEnumerable<GenerationEvent> Events(
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        await using (this.ConfigureAwait(false))
        {
            var unreported = 0;
            while (true)
            {
                if (await TryReadAsync().ConfigureAwait(false) is not { } next)
                {
                    // The next actor counts what was received as read, which it was: events come before the end of their channel.
                    unreported = 0;
                    continue;
                }

                yield return next;
                if (next is GenerationEnded)
                {
                    yield break;
                }

                if (next is TokensGenerated generated && (unreported += generated.Tokens.Count) >= CreditBatch)
                {
                    _actor.Tell(new GenerationActor.TokensRead(unreported));
                    unreported = 0;
                }
            }
        }

        // Null where another actor has taken over, and its events are to be read.
        async Task<GenerationEvent?> TryReadAsync()
        {
            try
            {
                return
                    await _events.WaitToReadAsync(cancellation).ConfigureAwait(false) && _events.TryRead(out var next)
                    ? next
                    : throw GenerationException.Unfinished();
            }
            catch (GenerationException failure) when (failure.CanGoOn && _policy.MaxResumes > 0)
            {
                if (await TryGoOnAsync(cancellation).ConfigureAwait(false))
                {
                    return null;
                }

                throw;
            }
        }
    }

    /// <summary>
    /// Asks for an early end (a stop string was found, a user has seen enough). Events still arrive until
    /// <see cref="GenerationEnded"/> with its figures.
    /// </summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isStopRequested = true;
            _actor.Tell(GenerationActor.StopRequested.Instance);
        }
    }

    /// <summary>Cancels the generation if it is still running.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _abandoned.TrySetResult();
            _actor.Tell(GenerationActor.Abandoned.Instance);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Goes on where this process lives in the cluster now; false when it does not.</summary>
    private async Task<bool> TryGoOnAsync(CancellationToken cancellation)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var waiting = _homes.NextAsync(_home, _policy.Patience, giveUp.Token);
        if (await Task.WhenAny(waiting, _abandoned.Task).ConfigureAwait(false) != waiting)
        {
            // Its actor stopped since the reader is gone, and this process is well.
            await giveUp.CancelAsync().ConfigureAwait(false);
            return false;
        }

        var next = await waiting.ConfigureAwait(false);
        lock (_lock)
        {
            if (next is null || _abandoned.Task.IsCompleted)
            {
                return false;
            }

            _home = next;
            (_actor, _events) = StartActor();
            return true;
        }
    }

    private (IActorRef Actor, ChannelReader<GenerationEvent> Events) StartActor()
    {
        // Bounded by the window, which the actor enforces: it must not wait for room itself.
        var events = Channel.CreateUnbounded<GenerationEvent>(
            new UnboundedChannelOptions { SingleReader = true, SingleWriter = true }
        );
        var (gateway, isStopped) = (_home.Gateway, _isStopRequested);
        try
        {
            var actor = _home.System.ActorOf(
                Props.Create(() =>
                    new GenerationActor(gateway, _held, events.Writer, _startTimeout, _policy, _clock, isStopped)
                )
            );
            return (actor, events.Reader);
        }
        catch (InvalidOperationException e)
        {
            events.Writer.TryComplete(GenerationException.OfLeaving(e));
            return (ActorRefs.Nobody, events.Reader);
        }
    }
}
