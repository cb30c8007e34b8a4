using Akka.Actor;

namespace Ppsd.Actors.Client;

/// <summary>Where a client's actors live, and whom they ask.</summary>
/// <param name="Gateway">Coordinator, or a proxy of it, or in one process the draft stage.</param>
internal sealed record ClientHome(ActorSystem System, IActorRef Gateway);

/// <summary>The homes of a client, one after the other: a process that the cluster has removed joins anew. Thread-safe.</summary>
internal interface IClientHomes
{
    /// <summary>Where to start now.</summary>
    ClientHome Current { get; }

    /// <summary>Waits for the home after one that is lost.</summary>
    /// <param name="patience">How long to wait.</param>
    /// <returns>Null when there will be none, or none in time.</returns>
    Task<ClientHome?> NextAsync(ClientHome lost, TimeSpan patience, CancellationToken cancellation);
}

/// <summary>A client's only home.</summary>
internal sealed class OnlyHome(ClientHome home) : IClientHomes
{
    /// <inheritdoc />
    public ClientHome Current => home;

    /// <inheritdoc />
    public Task<ClientHome?> NextAsync(ClientHome lost, TimeSpan patience, CancellationToken cancellation) =>
        Task.FromResult<ClientHome?>(null);
}
