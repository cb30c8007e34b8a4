using Akka.Event;
using Ppsd.Actors.Links;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;

namespace Ppsd.Actors.Stages;

/// <summary>Sends what a stage finds out to the draft stage. Used by the stage's thread.</summary>
/// <param name="loop">The loop that turns in this stage; null in all but the first.</param>
internal sealed class DraftStageSink(StageLinks links, DraftLoop? loop, ILoggingAdapter log) : IVerdictSink
{
    /// <summary>Drafts of the first stage's own exit head, the usual case, are the next candidates at once.</summary>
    public void Take(Drafts drafts)
    {
        if (loop is null)
        {
            Send(drafts);
        }
        else
        {
            loop.TakeDrafts(drafts);
        }
    }

    /// <inheritdoc />
    public void Take(Verdicts verdicts) => Send(verdicts);

    /// <inheritdoc />
    public void Take(TokensReplayed replayed) => Send(replayed);

    /// <inheritdoc />
    public void Take(GapSeen gap) => Send(gap);

    /// <inheritdoc />
    public void Take(StageFault fault)
    {
        log.Warning("{0}: {1}", fault.Session, fault.Reason);
        Send(fault);
    }

    private void Send(object message) => links.Tell(0, message);
}
