using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;

namespace Ppsd.Host.Pipelines;

/// <summary>A pipeline this program can decode on, wherever its stages run.</summary>
internal interface IPipeline : IAsyncDisposable
{
    /// <summary>Starts generations.</summary>
    PpsdClient Client { get; }

    /// <summary>Its stages.</summary>
    PipelineFormed Formed { get; }
}
