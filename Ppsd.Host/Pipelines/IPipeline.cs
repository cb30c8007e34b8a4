using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;

namespace Ppsd.Host.Pipelines;

/// <summary>A pipeline this program can decode on, wherever its stages run.</summary>
internal interface IPipeline : IAsyncDisposable
{
    /// <summary>Starts generations.</summary>
    PpsdClient Client { get; }

    /// <summary>Its stages.</summary>
    PipelineFormed Formed { get; }

    /// <summary>Members, stages and their figures as they are now.</summary>
    /// <param name="timeout">How long to wait for each answer; who gives none is left out, and said to be.</param>
    Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout);
}
