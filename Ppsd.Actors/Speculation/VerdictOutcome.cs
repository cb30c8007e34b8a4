using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>What verdicts did to a session, for its actor to carry out.</summary>
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

    /// <summary>Why the generation ended, if it did.</summary>
    public FinishReason? Finish { get; set; }

    /// <summary>Makes it ready for the next verdicts.</summary>
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
