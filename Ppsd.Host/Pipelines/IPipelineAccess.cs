using Ppsd.Actors.Client;
using Ppsd.Actors.Snapshots;

namespace Ppsd.Host.Pipelines;

/// <summary>A pipeline that may come and go while a server uses it. Thread-safe.</summary>
internal interface IPipelineAccess : IAsyncDisposable
{
    /// <summary>Starts generations; another one after the cluster had to be joined anew.</summary>
    PpsdClient Client { get; }

    /// <summary>Members, stages and their figures as they are now.</summary>
    /// <param name="timeout">
    /// How long to wait for each answer; members that do not answer are omitted and marked as such.
    /// </param>
    Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout);
}
