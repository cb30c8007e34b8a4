namespace Ppsd.Actors.Stages;

/// <summary>What a <see cref="IWorkSource"/> needs from its stage. Called on the stage's thread.</summary>
internal interface IStagePort
{
    /// <summary>Has <see cref="IWorkSource.Next"/> called, behind all messages that have arrived.</summary>
    void RequestWork();

    /// <summary>Counts and logs an invalid message that was dropped. The protocol treats it as lost.</summary>
    void Refuse(string message, string reason);
}
