using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Mailboxes;

/// <summary>Verdicts that have arrived at a stage, before it takes them. Any thread may call.</summary>
internal interface IWaitingVerdicts
{
    /// <summary>
    /// Number of verdicts that have arrived so far. Reading <see cref="WaitingVerdicts"/> allocates; while this number
    /// is unchanged a second look sees nothing new.
    /// </summary>
    int VerdictArrivals { get; }

    /// <summary>Verdicts among the waiting control messages, oldest first; for a look ahead, they stay queued.</summary>
    IEnumerable<Verdicts> WaitingVerdicts { get; }
}
