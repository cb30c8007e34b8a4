using Ppsd.Actors.Messages;

namespace Ppsd.Host.Pipelines;

/// <summary>A pipeline this program can decode on, wherever its stages run.</summary>
internal interface IPipeline : IPipelineAccess
{
    /// <summary>Its stages.</summary>
    PipelineFormed Formed { get; }
}
