using Ppsd.Actors.Mailboxes;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// The work of the first stage, in which the <see cref="DraftLoop"/> turns: its micro-batches come from the loop, and the
/// messages of clients and of the other stages go to it.
/// </summary>
/// <param name="intake">Checks tokens of other stages.</param>
/// <param name="board">Dead runs and branches.</param>
/// <param name="arrivals">Verdicts that have arrived but are not taken yet.</param>
internal sealed class DraftLoopSource(
    DraftLoop loop,
    StageIntake intake,
    CancelBoard board,
    IWaitingVerdicts arrivals,
    IStagePort port
) : IWorkSource
{
    private MicroBatch? _lookedAt;
    private int _arrivalsSeen;

    /// <inheritdoc />
    public int Count => 0;

    /// <inheritdoc />
    public SessionTotals? Sessions => loop.Totals;

    /// <inheritdoc />
    public bool TryTake(object message, Func<ISessionClient> sender)
    {
        switch (message)
        {
            case StartSession start:
                loop.Start(start, sender());
                return true;
            case StopSession stop:
                loop.Stop(stop.Session);
                return true;
            case TokenCredit credit:
                loop.NoteRead(credit);
                return true;
            case Drafts drafts:
                Take(drafts);
                return true;
            case Verdicts verdicts:
                Take(verdicts);
                return true;
            case GapSeen gap:
                loop.TakeGap(gap);
                return true;
            case KeptFound found:
                loop.TakeKept(found);
                return true;
            case TokensReplayed replayed:
                loop.NoteReplayed(replayed.Session);
                return true;
            case SessionReleased released:
                loop.NoteReleased(released);
                return true;
            case StageFault fault:
                loop.Fail(fault.Session, fault.Reason, isFault: true);
                return true;
            case Forward forward when intake.Refusal(forward) is { } reason:
                port.Refuse("a micro-batch", reason);
                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc />
    public void Open(PipelineFormed pipeline) => loop.Open(pipeline);

    /// <inheritdoc />
    public void Close(string reason) => loop.Close(reason);

    /// <inheritdoc />
    public WorkItem? Next() => loop.Next() is { } batch ? new WorkItem(batch, HiddenStates.None) : null;

    /// <summary>A verdict that waits in the mailbox may already have killed the run; look before spending a layer on it.</summary>
    public bool IsDead(MicroBatch batch) =>
        board.IsDead(batch) || (HasNewVerdicts(batch) && loop.WillDie(batch, arrivals.WaitingVerdicts));

    /// <summary>Clients hear of tokens and drafts while the device works: the next step must not wait for them.</summary>
    public void UseTheWait() => loop.SendNews();

    /// <inheritdoc />
    public int DropDead() => 0;

    /// <inheritdoc />
    public void KeepHouse() => loop.KeepHouse();

    /// <inheritdoc />
    public void LoseClient(ISessionClient client) => loop.LoseClient(client);

    /// <summary>
    /// True when verdicts have arrived since the last check for this micro-batch; it is checked continually while the
    /// device works.
    /// </summary>
    private bool HasNewVerdicts(MicroBatch batch)
    {
        var count = arrivals.VerdictArrivals;
        if (ReferenceEquals(_lookedAt, batch) && _arrivalsSeen == count)
        {
            return false;
        }

        (_lookedAt, _arrivalsSeen) = (batch, count);
        return true;
    }

    /// <summary>Of an exit head in a later stage.</summary>
    private void Take(Drafts drafts)
    {
        if (intake.Refusal([.. drafts.Tokens.Select(draft => draft.Token)]) is { } reason)
        {
            port.Refuse("drafts", reason);
            return;
        }

        loop.TakeDrafts(drafts);
    }

    private void Take(Verdicts verdicts)
    {
        foreach (var own in verdicts.Sessions)
        {
            if (intake.RefusalOfVerdicts(own.Tokens) is { } misfit)
            {
                port.Refuse("verdicts", misfit);
            }
            else
            {
                loop.TakeVerdicts(own, verdicts.ArrivedAt, verdicts.StageMs);
            }
        }

        port.RequestWork();
    }
}
