using Akka.Actor;

namespace Ppsd.Actors.Snapshots;

/// <summary>Questions whose silence is an answer too.</summary>
internal static class ActorAsk
{
    /// <summary>What an actor answers; null when it does not in time.</summary>
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
