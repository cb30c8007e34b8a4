using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>A request of <c>/v1/responses</c>, with what its answer repeats.</summary>
internal sealed record ResponsesRequest : TextRequest
{
    /// <summary>What stands before the conversation; null for nothing.</summary>
    public string? Instructions { get; init; }

    /// <summary>Most tokens the client asked for; null when it left that open.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Alternatives reported with each token.</summary>
    public int TopLogprobs { get; init; }

    /// <summary>The client's own notes; null for none.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>The effort to reason that the template was given; null for none.</summary>
    public JsonElement? Effort { get; init; }
}
