using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Decides what a stage works on next: <see cref="QueueSource"/> from micro-batches of the stage before, <see
/// cref="DraftLoopSource"/> from the sessions that live at stage 1. Knows no actors. Used by the stage's thread.
/// </summary>
internal interface IWorkSource
{
    /// <summary>Micro-batches waiting.</summary>
    int Count { get; }

    /// <summary>Figures of all sessions; null where none live.</summary>
    SessionTotals? Sessions { get; }

    /// <summary>Takes a message.</summary>
    /// <param name="sender">Gives its sender, while this call lasts.</param>
    /// <returns>False for a message that is not for this source.</returns>
    bool TryTake(object message, Func<ISessionClient> sender);

    /// <summary>The pipeline was formed, or formed anew: work of an earlier one is dropped.</summary>
    void Open(PipelineFormed pipeline);

    /// <summary>The pipeline is gone.</summary>
    /// <param name="reason">One line for the users.</param>
    void Close(string reason);

    /// <summary>The next micro-batch to work on; null for none.</summary>
    WorkItem? Next();

    /// <summary>True when work on a micro-batch is wasted. Called before the step starts and between its layers.</summary>
    bool IsDead(MicroBatch batch);

    /// <summary>
    /// Does what never affects the next step. Called while the device is busy, because between two steps it would delay the
    /// next one.
    /// </summary>
    void UseTheWait();

    /// <summary>Removes waiting micro-batches of which nothing lives.</summary>
    /// <returns>How many.</returns>
    int DropDead();

    /// <summary>Looks for stalls and unanswered messages. Called periodically.</summary>
    void KeepHouse();

    /// <summary>A client that the source has watched is gone.</summary>
    void LoseClient(ISessionClient client);
}
