using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>The work of every stage but the first: micro-batches that the stage before has sent.</summary>
/// <param name="intake">Checks them against the stage's limits.</param>
/// <param name="board">Dead runs and branches.</param>
internal sealed class QueueSource(StageIntake intake, CancelBoard board, IStagePort port) : IWorkSource
{
    private readonly WorkQueue _queue = new();
    private PipelineEpoch? _epoch;

    /// <inheritdoc />
    public int Count => _queue.Count;

    /// <inheritdoc />
    public SessionTotals? Sessions => null;

    /// <inheritdoc />
    public bool TryTake(object message, Func<ISessionClient> sender)
    {
        if (message is not Forward forward)
        {
            return false;
        }

        if (intake.Refusal(forward) is { } reason)
        {
            port.Refuse("a micro-batch", reason);
        }
        else if (Array.TrueForAll(forward.Batch.Parts, part => part.Session.Epoch == _epoch))
        {
            _queue.Add(new WorkItem(forward.Batch, forward.Hidden));
            port.RequestWork();
        }

        return true;
    }

    /// <inheritdoc />
    public void Open(PipelineFormed pipeline)
    {
        _queue.Clear();
        _epoch = pipeline.Epoch;
    }

    /// <inheritdoc />
    public void Close(string reason)
    {
        _queue.Clear();
        _epoch = null;
    }

    /// <inheritdoc />
    public WorkItem? Next() => _queue.TakeNext();

    /// <inheritdoc />
    public bool IsDead(MicroBatch batch) => board.IsDead(batch);

    /// <inheritdoc />
    public void UseTheWait() { }

    /// <inheritdoc />
    public int DropDead() => _queue.DropDead(board);

    /// <inheritdoc />
    public void KeepHouse() { }

    /// <inheritdoc />
    public void LoseClient(ISessionClient client) { }
}
