using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Api.Serving;

/// <summary>How the HTTP server listens and what it takes.</summary>
internal sealed record ServerSettings
{
    /// <summary>Address to bind.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Port to bind; 0 for a free one.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>Key that requests must carry; null for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Origins of web pages that may use the API; <c>*</c> for all, none by default.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>What clients call the model; null for its folder's name.</summary>
    public string? ModelName { get; init; }

    /// <summary>Requests on the pipeline at once.</summary>
    public int MaxRunning { get; init; } = 64;

    /// <summary>Requests that may wait for their turn.</summary>
    public int MaxQueue { get; init; } = 256;

    /// <summary>Longest body.</summary>
    public long MaxBodyBytes { get; init; } = 1 << 20;

    /// <summary>Silence in a stream before a comment is sent.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long requests may go on when the server stops.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Defaults for fields that a request leaves out.</summary>
    public RequestDefaults Defaults { get; init; } = new();

    /// <summary>Name of the meter and the activity source; servers of one process that must not mix take different ones.</summary>
    public string TelemetryName { get; init; } = "ppsd";
}
