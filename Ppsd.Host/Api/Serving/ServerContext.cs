using Ppsd.Host.Api.Requests;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Telemetry;

namespace Ppsd.Host.Api.Serving;

/// <summary>What all routes share.</summary>
internal sealed record ServerContext
{
    /// <summary>How the server listens and what it takes.</summary>
    public required ServerSettings Settings { get; init; }

    /// <summary>The model.</summary>
    public required ServedModel Model { get; init; }

    /// <summary>Where texts are generated.</summary>
    public required IPipelineAccess Pipeline { get; init; }

    /// <summary>How the pipeline stands.</summary>
    public required PipelineWatch Watch { get; init; }

    /// <summary>Back-pressure.</summary>
    public required RequestGate Gate { get; init; }

    /// <summary>Instruments.</summary>
    public required PpsdMetrics Metrics { get; init; }

    /// <summary>Time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Cancelled when requests that still run must end.</summary>
    public required CancellationToken Stopping { get; init; }

    /// <summary>True once the server takes no more requests.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Refuses at once what would only wait for a pipeline that is not there.</summary>
    public void RequireAvailable()
    {
        if (IsDraining)
        {
            throw ApiException.Unavailable("the server is stopping");
        }

        if (!Watch.Latest.IsFormed)
        {
            throw ApiException.Unavailable(Watch.Latest.Explanation);
        }
    }
}
