using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Sessions;

/// <summary>What a <see cref="DraftLoop"/> needs from the stage that runs it. Called on that stage's thread.</summary>
internal interface IDraftLoopPort
{
    /// <summary>Sends a message to every stage, this one included.</summary>
    void SendToStages(IWireMessage message);

    /// <summary>Sends an unanswered message to a stage again.</summary>
    void SendAgain(StageIndex stage, EndSession message);

    /// <summary>Reports the loss of a client to <see cref="DraftLoop.LoseClient"/> from now on.</summary>
    void Watch(ISessionClient client);

    /// <summary>Ends that.</summary>
    void Unwatch(ISessionClient client);

    /// <summary>Has <see cref="DraftLoop.Next"/> called, behind all messages that have arrived.</summary>
    void RequestWork();

    /// <summary>
    /// Drafts of this stage's chain behind a token that waits to enter, as drafts of the candidate before it from step 1 on.
    /// Called before a micro-batch is chosen, so no step is under way.
    /// </summary>
    DraftedToken[] DraftBehind(SessionId session, WaitingToken waiting);

    /// <summary>A verdict that arrived at a timestamp has rejected the session's run.</summary>
    void NoteRejection(SessionId session, long arrivedAt);

    /// <summary>Logs that a session lost its work and starts a new run.</summary>
    void NoteStall(SessionId session);
}
