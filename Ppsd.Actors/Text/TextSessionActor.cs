using Akka.Actor;
using Akka.Event;
using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Text;

/// <summary>
/// One text on its way to a client. Segments leave only as the client has read earlier ones: a slow reader holds back
/// its own text, which stays at the draft stage as tokens bounded by the request, and neither the pipeline, which is done
/// with the session early, nor any other text. Ends with the text, the client or <see cref="StopText"/>.
/// </summary>
internal sealed class TextSessionActor : ReceiveActor
{
    private readonly ITextModel _model;
    private readonly StartText _request;
    private readonly IActorRef _client;
    private readonly ReaderWindow _window;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private Action? _cancel;

    public TextSessionActor(ITextModel model, StartText request, IActorRef client)
    {
        _model = model;
        _request = request;
        _client = client;
        _window = new ReaderWindow(request.Window);

        Receive<TextCredit>(credit => _window.Return(credit.Count));
        Receive<StopText>(_ => Context.Stop(Self));
        Receive<Terminated>(_ => Context.Stop(Self));
        Receive<Done>(_ => Context.Stop(Self));
    }

    protected override void PreStart()
    {
        Context.Watch(_client);
        _client.Tell(new TextAccepted(_model.Name));
        var self = Self;

        // Tokenizing a long prompt takes a while: not on this actor's turn, or a stop would have to wait for it.
        var end = new CancellationTokenSource();
        _cancel = end.Cancel;
        _ = Task.Run(() => SendAllAsync(self, end));
    }

    protected override void PostStop() => _cancel?.Invoke();

    private async Task SendAllAsync(IActorRef self, CancellationTokenSource end)
    {
        var isComplete = false;
        try
        {
            await foreach (var part in _model.GenerateAsync(_request, end.Token).ConfigureAwait(false))
            {
                if (part is TextEmitted)
                {
                    await _window.TakeAsync(end.Token).ConfigureAwait(false);
                }

                isComplete = part is TextEnded;
                _client.Tell(part, self);
            }

            if (!isComplete)
            {
                throw new GenerationException(GenerationFailure.Broken, "the text ended before it was complete");
            }
        }
        catch (GenerationException e)
        {
            _client.Tell(new TextFailed(e.Failure, e.Message), self);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The client has left; if instead this node is stopping, the client notices by its death watch.
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _log.Error(e, "a text broke off");
            _client.Tell(new TextFailed(GenerationFailure.Broken, $"the text gateway failed: {e.Message}"), self);
        }

        self.Tell(Done.Instance);
    }

    /// <summary>Note to self: nothing more will be sent.</summary>
    private sealed class Done
    {
        public static Done Instance { get; } = new();
    }
}
