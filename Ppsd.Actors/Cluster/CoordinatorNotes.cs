using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Cluster;

/// <summary>What the coordinator sends to itself.</summary>
internal static class CoordinatorNotes
{
    /// <summary>Sent to itself: every node that is up has had time to send an offer.</summary>
    public sealed class Settled
    {
        public static Settled Instance { get; } = new();
    }

    /// <summary>Sent to itself: has anybody fallen silent?</summary>
    public sealed class Look
    {
        public static Look Instance { get; } = new();
    }

    /// <summary>Sent to itself: number of sessions the pipeline still has.</summary>
    /// <param name="IsLast">True when no request was let in after the question.</param>
    public sealed record DraftLoad(PipelineEpoch Epoch, SessionTotals? Sessions, bool IsLast);

    /// <summary>Sent to itself: a question was not answered; the next offer repeats it.</summary>
    public sealed class Nothing
    {
        public static Nothing Instance { get; } = new();
    }

    /// <summary>Sent to itself: a request has waited as long as it may.</summary>
    public sealed record OutOfPatience(IActorRef Client);
}
