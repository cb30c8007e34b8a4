using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>Consequences of verdicts for a session, to be carried out by the draft loop.</summary>
internal sealed class VerdictOutcome
{
    /// <summary>Tokens now verified, in order.</summary>
    public List<TokenId> Emitted { get; } = [];

    /// <summary>Which of the verdicts each emitted token came from.</summary>
    public List<int> EmittedBy { get; } = [];

    /// <summary>Candidates of the living run that died.</summary>
    public List<CandidateId> DeadBranch { get; } = [];

    /// <summary>True when the run was rejected and everything in flight is dead.</summary>
    public bool RunRejected { get; set; }

    /// <summary>True when a verdict is missing, so the session must start again from its base.</summary>
    public bool HasGap { get; set; }

    /// <summary>True when the target's logits after a verified token are not finite, so that no token follows it.</summary>
    public bool HasNoToken { get; set; }

    /// <summary>Reason that the generation ended; null while it goes on.</summary>
    public FinishReason? Finish { get; set; }

    /// <summary>Clears it for the next verdicts.</summary>
    public void Clear()
    {
        Emitted.Clear();
        EmittedBy.Clear();
        DeadBranch.Clear();
        RunRejected = false;
        HasGap = false;
        HasNoToken = false;
        Finish = null;
    }
}
