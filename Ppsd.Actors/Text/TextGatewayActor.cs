using Akka.Actor;
using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Text;

/// <summary>
/// Serves texts to clients that have no tokenizer, at <see cref="TextGateways.ActorName"/> on every node with role <see
/// cref="TextGateways.Role"/>: one child for each text. Bounded: texts above the limit are refused.
/// </summary>
internal sealed class TextGatewayActor : ReceiveActor
{
    private readonly ITextModel _model;
    private readonly int _maxTexts;
    private int _texts;
    private IActorRef? _drainer;

    public TextGatewayActor(ITextModel model, int maxTexts)
    {
        _model = model;
        _maxTexts = maxTexts;
        Receive<StartText>(Start);
        Receive<Terminated>(_ =>
        {
            _texts--;
            ReportIfDrained();
        });
        Receive<Drain>(_ =>
        {
            _drainer = Sender;
            ReportIfDrained();
        });
    }

    private void Start(StartText request)
    {
        if (_drainer is not null)
        {
            Sender.Tell(new TextDeclined());
            return;
        }

        if (_texts >= _maxTexts)
        {
            Sender.Tell(
                new TextFailed(
                    GenerationFailure.Unavailable,
                    $"this node serves {_maxTexts} texts already; try again later"
                )
            );
            return;
        }

        _texts++;
        var client = Sender;
        Context.Watch(Context.ActorOf(Props.Create(() => new TextSessionActor(_model, request, client))));
    }

    private void ReportIfDrained()
    {
        if (_texts == 0)
        {
            _drainer?.Tell(Drained.Instance);
        }
    }
}
