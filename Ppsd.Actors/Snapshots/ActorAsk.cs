using Akka.Actor;

namespace Ppsd.Actors.Snapshots;

/// <summary>Questions for which no answer in time is a valid result.</summary>
internal static class ActorAsk
{
    /// <summary>An actor's answer; null when none comes in time.</summary>
    public static async Task<T?> OrNullAsync<T>(IActorRef actor, object question, TimeSpan timeout)
        where T : class
    {
        try
        {
            return await actor.Ask<T>(question, timeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}
