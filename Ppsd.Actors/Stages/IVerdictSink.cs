using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Stages;

/// <summary>Receives what a stage finds out about sessions, for the draft loop. Called on the stage's thread.</summary>
internal interface IVerdictSink
{
    /// <summary>Takes tokens that the stage's exit head proposes.</summary>
    void Take(Drafts drafts);

    /// <summary>Takes the target's tokens.</summary>
    void Take(Verdicts verdicts);

    /// <summary>Takes the news that tokens of a session were computed again; only where a pipeline can be lost.</summary>
    void Take(TokensReplayed replayed) { }

    /// <summary>Takes the report of a part that could not be placed because something before it was lost.</summary>
    void Take(GapSeen gap);

    /// <summary>Takes the end of a session that the stage cannot serve.</summary>
    void Take(StageFault fault);
}
