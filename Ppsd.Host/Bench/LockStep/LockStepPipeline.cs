using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>
/// A pipeline in lock-step: in each cycle every stage does one micro-batch, whatever its rows, and messages arrive when the
/// cycle is over, so a verdict comes P cycles after its candidate has entered. Real stages and the real draft loop; no clock
/// and no threads, so the same run gives the same figures.
/// </summary>
internal sealed class LockStepPipeline : IDraftLoopPort, IDisposable
{
    private readonly LockStepStage[] _stages;
    private readonly WorkItem?[] _inbox;
    private readonly DraftLoop _loop;
    private readonly List<object> _arrivals = [];

    /// <summary>Takes ownership of the runtimes.</summary>
    public LockStepPipeline(IReadOnlyList<IStageRuntime> runtimes, PipelineOptions options)
    {
        _stages =
        [
            .. runtimes.Select((runtime, i) => new LockStepStage(new StageIndex(i), i == runtimes.Count - 1, runtime)),
        ];
        _inbox = new WorkItem?[_stages.Length];
        _loop = new DraftLoop(this, options, TimeProvider.System);
        Formed = new PipelineFormed(
            new PipelineEpoch(1),
            [.. _stages.Select(stage => new PipelineStage(ActorRefs.Nobody, stage.Description))],
            ""
        );
        _loop.Open(Formed);
    }

    /// <summary>The stages, as a pipeline describes itself.</summary>
    public PipelineFormed Formed { get; }

    /// <summary>Cycles so far.</summary>
    public int Cycle { get; private set; }

    /// <summary>Rows that have entered stage 1 so far.</summary>
    public int RowsEntered { get; private set; }

    /// <summary>Decodes one text, and steps the stages until the pipeline is empty.</summary>
    /// <exception cref="InvalidOperationException">It was refused or failed; one line.</exception>
    public LockStepText Decode(StartSession request)
    {
        var client = new LockStepClient(this);
        _loop.Start(request, client);
        while (client.End is null)
        {
            Turn();
        }

        return client.Text();
    }

    void IDraftLoopPort.SendToStages(IWireMessage message)
    {
        foreach (var stage in _stages)
        {
            if (message is Cancel cancel)
            {
                stage.Board.Raise(cancel);
            }
        }

        if (message is EndSession end)
        {
            for (var i = 0; i < _stages.Length; i++)
            {
                _stages[i].Release(end.Session);
                _arrivals.Add(new SessionReleased(end.Session, new StageIndex(i)));
            }
        }
    }

    void IDraftLoopPort.SendAgain(StageIndex stage, EndSession message) { }

    void IDraftLoopPort.Watch(ISessionClient client) { }

    void IDraftLoopPort.Unwatch(ISessionClient client) { }

    void IDraftLoopPort.RequestWork() { }

    void IDraftLoopPort.NoteRejection(SessionId session, long arrivedAt) { }

    void IDraftLoopPort.NoteStall(SessionId session) { }

    /// <inheritdoc />
    public void Dispose() => Array.ForEach(_stages, stage => stage.Dispose());

    private void Turn()
    {
        // The last stage first: what a stage hands on is the next one's work in the next cycle.
        for (var i = _stages.Length - 1; i >= 0; i--)
        {
            var item = i == 0 ? Enter() : _inbox[i];
            _inbox[i] = null;
            var done = item is null ? null : _stages[i].Run(item);
            if (i + 1 < _stages.Length)
            {
                _inbox[i + 1] = done;
            }
        }

        Cycle++;
        foreach (var stage in _stages)
        {
            _arrivals.AddRange(stage.Messages);
            stage.Messages.Clear();
        }

        // Taking a message may end a session, whose releases arrive behind the others.
        for (var i = 0; i < _arrivals.Count; i++)
        {
            Take(_arrivals[i]);
        }

        _arrivals.Clear();
        _loop.SendNews();
    }

    private WorkItem? Enter()
    {
        if (_loop.Next() is not { } batch)
        {
            return null;
        }

        RowsEntered += batch.Count;
        return new WorkItem(batch, HiddenStates.None);
    }

    private void Take(object message)
    {
        switch (message)
        {
            case Drafts drafts:
                _loop.TakeDrafts(drafts);
                break;
            case Verdicts verdicts:
                Array.ForEach(verdicts.Sessions, own => _loop.TakeVerdicts(own, arrivedAt: 0));
                break;
            case GapSeen gap:
                _loop.TakeGap(gap);
                break;
            case StageFault fault:
                _loop.Fail(fault.Session, fault.Reason, isFault: true);
                break;
            case SessionReleased released:
                _loop.NoteReleased(released);
                break;
            default:
                throw new InvalidOperationException($"a stage sent {message.GetType().Name}");
        }
    }
}
