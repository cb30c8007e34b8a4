using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>
/// A pipeline without clock and threads: real stages and the real draft loop, in time that is counted, so the same run gives
/// the same figures. In lock-step every stage does one micro-batch a cycle, whatever its rows, and a verdict comes P cycles
/// after its candidate has entered. Timed by costs, a step takes what its rows, its exit head and its chain cost, messages
/// take the time of a hop, and stages that share processors slow each other down.
/// </summary>
internal sealed class LockStepPipeline : IDraftLoopPort, IDisposable
{
    private readonly LockStepStage[] _stages;
    private readonly DraftLoop _loop;
    private readonly PriorityQueue<Action, (double Time, long Order)> _events = new();
    private readonly List<object> _mail = [];
    private long _order;

    /// <summary>Takes ownership of the runtimes.</summary>
    /// <param name="costs">Costs of the stages, by which drafts are chosen and <see cref="Times"/> can be set; null for those that the runtimes know.</param>
    public LockStepPipeline(IReadOnlyList<IStageRuntime> runtimes, PipelineOptions options, PipelineCosts? costs = null)
    {
        _stages =
        [
            .. runtimes.Select(
                (runtime, i) =>
                    new LockStepStage(
                        new StageIndex(i),
                        i == runtimes.Count - 1,
                        runtime,
                        options.CreditWindow,
                        costs?.Stages[i]
                    )
            ),
        ];
        _loop = new DraftLoop(this, options, new CountedTime(() => Now));
        Formed = new PipelineFormed(
            new PipelineEpoch(1),
            [.. _stages.Select(stage => new PipelineStage(ActorRefs.Nobody, stage.Description))],
            ""
        );
        _loop.Open(Formed);
    }

    /// <summary>The stages, as a pipeline describes itself.</summary>
    public PipelineFormed Formed { get; }

    /// <summary>Costs that time is counted by; null for cycles of lock-step. Not to be changed while texts are decoded.</summary>
    public PipelineCosts? Times { get; set; }

    /// <summary>Time so far: cycles, or milliseconds where it is counted by costs.</summary>
    public double Now { get; private set; }

    /// <summary>Rows that have entered stage 1 so far.</summary>
    public int RowsEntered { get; private set; }

    private double HopMs => Times?.HopMs ?? 0;

    /// <summary>Decodes one text.</summary>
    /// <exception cref="InvalidOperationException">It was refused or failed; one line.</exception>
    public LockStepText Decode(StartSession request) => Decode([request])[0];

    /// <summary>Decodes texts at the same time.</summary>
    /// <exception cref="InvalidOperationException">One was refused or failed; one line.</exception>
    public IReadOnlyList<LockStepText> Decode(IReadOnlyList<StartSession> requests)
    {
        var clients = requests.Select(_ => new LockStepClient(this)).ToList();
        foreach (var (request, client) in requests.Zip(clients))
        {
            _loop.Start(request, client);
        }

        while (clients.Exists(client => client.End is null))
        {
            Advance();
        }

        return [.. clients.Select(client => client.Text())];
    }

    void IDraftLoopPort.SendToStages(IWireMessage message)
    {
        foreach (var stage in _stages)
        {
            Send(from: 0, stage.Index.Value, () => Take(stage, message));
        }
    }

    void IDraftLoopPort.SendAgain(StageIndex stage, EndSession message) { }

    void IDraftLoopPort.Watch(ISessionClient client) { }

    void IDraftLoopPort.Unwatch(ISessionClient client) { }

    void IDraftLoopPort.RequestWork() { }

    DraftedToken[] IDraftLoopPort.DraftBehind(SessionId session, WaitingToken waiting) =>
        _stages[0].DraftBehind(session, waiting);

    void IDraftLoopPort.NoteRejection(SessionId session, long arrivedAt) { }

    void IDraftLoopPort.NoteStall(SessionId session) { }

    /// <inheritdoc />
    public void Dispose() => Array.ForEach(_stages, stage => stage.Dispose());

    /// <summary>Advances to the next moment at which something happens.</summary>
    private void Advance()
    {
        // From the last stage to the first, so that a micro-batch handed on is never worked on by the next stage in the same moment.
        for (var i = _stages.Length - 1; i >= 0; i--)
        {
            Begin(_stages[i]);
        }

        var busy = _stages.Where(stage => stage.Step is not null).ToList();
        var rate = busy.Count == 0 ? 1 : Math.Min(1, (double)(Times?.ParallelStages ?? int.MaxValue) / busy.Count);
        var next = _events.TryPeek(out _, out var first) ? first.Time : double.PositiveInfinity;
        foreach (var stage in busy)
        {
            next = Math.Min(next, Now + stage.Step!.Left / rate);
        }

        if (double.IsPositiveInfinity(next))
        {
            throw new InvalidOperationException("the pipeline stands still: a session waits for nothing");
        }

        busy.ForEach(stage => stage.Step!.Work((next - Now) * rate));
        Now = next;
        busy.ForEach(EndPart);
        while (_events.TryPeek(out _, out first) && first.Time <= Now)
        {
            _events.Dequeue()();
        }

        if (_stages[0].Step is null)
        {
            TakeMail();
        }

        _loop.SendNews();
    }

    private void Begin(LockStepStage stage)
    {
        var at = stage.Index.Value;
        if (stage.Step is not null || stage.IsHeldUp || (at == 0 ? Enter() : stage.TakeNext()) is not { } item)
        {
            return;
        }

        if (at > 0)
        {
            var before = _stages[at - 1];
            Send(at, at - 1, () => Return(before, item.Batch.Number));
        }

        var step = stage.Begin(item);
        if (step.Rows == 0)
        {
            // It is dead, so it takes no time.
            EndPart(stage);
            return;
        }

        step.LayersLeft = Times?.Stages[at] is { } costs
            ? costs.LayersMs(step.Rows) + step.StepsBehind * costs.ChainMs
            : 1;
        step.HeadLeft = step.Depth > 0 ? Times?.Stages[at].ExitHeadMs(step.DraftRows, step.Depth) ?? 0 : 0;
    }

    /// <summary>Ends the stage's layers and then its step, if their time has passed.</summary>
    private void EndPart(LockStepStage stage)
    {
        // Sums of times are not exact.
        const double Rest = 1e-9;
        if (stage.Step is not { } step || step.Left > Rest)
        {
            return;
        }

        if (step.IsInLayers)
        {
            step.IsInLayers = false;
            if (step.Done is { } done)
            {
                stage.HandOver(done);
                SendWaiting(stage);
            }
        }

        if (step.HeadLeft > Rest)
        {
            return;
        }

        stage.End();
        foreach (var message in step.Messages)
        {
            // Stage 1's own go to the draft loop at once, before messages that have arrived meanwhile.
            if (stage.Index.Value == 0)
            {
                Take(message);
            }
            else
            {
                Send(stage.Index.Value, to: 0, () => Arrive(message));
            }
        }
    }

    private void SendWaiting(LockStepStage stage)
    {
        var next = _stages[stage.Index.Value + 1];
        while (stage.TakeToSend(Now) is { } item)
        {
            Send(stage.Index.Value, next.Index.Value, () => next.Add(item));
        }
    }

    private void Return(LockStepStage stage, BatchNumber number)
    {
        stage.Return(number, Now);
        SendWaiting(stage);
    }

    private void Send(int from, int to, Action arrival) =>
        _events.Enqueue(arrival, (from == to ? Now : Now + HopMs, _order++));

    /// <summary>Delivers the draft loop's cancels and commits to a stage.</summary>
    private void Take(LockStepStage stage, IWireMessage message)
    {
        if (message is Cancel cancel)
        {
            stage.Take(cancel);
            if (stage.Step is { IsInLayers: true } step && stage.Board.IsDead(step.Batch))
            {
                step.Abandon();
                EndPart(stage);
            }

            if (stage.Index.Value + 1 < _stages.Length)
            {
                SendWaiting(stage);
            }
        }
        else if (message is EndSession end)
        {
            stage.Release(end.Session);
            Send(stage.Index.Value, to: 0, () => Arrive(new SessionReleased(end.Session, stage.Index)));
        }
    }

    /// <summary>
    /// A message for the draft loop arrives. It waits while stage 1 works, unless it kills what stage 1 works on.
    /// </summary>
    private void Arrive(object message)
    {
        _mail.Add(message);
        if (
            _stages[0].Step is { IsInLayers: true } step
            && message is Verdicts
            && _loop.WillDie(step.Batch, _mail.OfType<Verdicts>())
        )
        {
            step.Abandon();
            EndPart(_stages[0]);
        }
    }

    private void TakeMail()
    {
        // Taking a message may end a session, and what that sends is taken in its turn.
        for (var i = 0; i < _mail.Count; i++)
        {
            Take(_mail[i]);
        }

        _mail.Clear();
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
                // Links take no time here, and a round trip that ends before it began leaves none for them.
                Array.ForEach(verdicts.Sessions, own => _loop.TakeVerdicts(own, arrivedAt: 0, stageMs: 0));
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
