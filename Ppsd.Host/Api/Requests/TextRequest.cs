using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Requests;

/// <summary>A request for a text as the pipeline takes it, whichever route it came by.</summary>
internal sealed record TextRequest
{
    /// <summary>Model the client named.</summary>
    public required string Model { get; init; }

    /// <summary>Tokens of the prompt.</summary>
    public required int[] Prompt { get; init; }

    /// <summary>How to generate.</summary>
    public required GenerationSettings Settings { get; init; }

    /// <summary>True to send the text as it grows.</summary>
    public required bool Streams { get; init; }

    /// <summary>True to end the stream with the usage.</summary>
    public required bool IncludesUsage { get; init; }

    /// <summary>True to answer with the request's own figures.</summary>
    public required bool IncludesMetrics { get; init; }
}
