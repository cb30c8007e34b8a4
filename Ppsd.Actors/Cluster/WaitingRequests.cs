using Akka.Actor;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// Requests that came while there was no pipeline: one is often about to stand, after a coordinator moved or a node was
/// replaced. Bounded; a client that repeats its request keeps its place. Pure.
/// </summary>
internal sealed class WaitingRequests
{
    /// <summary>Most requests that wait.</summary>
    public const int MaxCount = 1024;

    private readonly List<(StartSession Request, IActorRef Client)> _waiting = [];

    /// <summary>Lets a request wait; false when too many do.</summary>
    /// <param name="isNew">False when it waits already.</param>
    public bool TryAdd(StartSession request, IActorRef client, out bool isNew)
    {
        isNew = !_waiting.Exists(entry => entry.Client.Equals(client));
        if (!isNew)
        {
            var known = _waiting.FindIndex(entry => entry.Client.Equals(client));
            if (request.Attempt > _waiting[known].Request.Attempt)
            {
                _waiting[known] = (request, client);
            }

            return true;
        }

        if (_waiting.Count >= MaxCount)
        {
            return false;
        }

        _waiting.Add((request, client));
        return true;
    }

    /// <summary>Takes a client's request out; false when it does not wait any more.</summary>
    public bool Remove(IActorRef client) => _waiting.RemoveAll(entry => entry.Client.Equals(client)) > 0;

    /// <summary>Takes all out, in the order they came.</summary>
    public IReadOnlyList<(StartSession Request, IActorRef Client)> TakeAll()
    {
        List<(StartSession, IActorRef)> all = [.. _waiting];
        _waiting.Clear();
        return all;
    }
}
