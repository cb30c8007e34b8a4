using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Formats;

/// <summary>
/// How a route writes the texts of one request: whole, or as a stream of events. A stream is <see cref="Begin"/>, pieces
/// and a <see cref="Finish"/> for each text, then <see cref="End"/>; or <see cref="Fail"/> anywhere after its start.
/// </summary>
internal interface ITextFormat
{
    /// <summary>The whole answer.</summary>
    /// <param name="results">The texts, in order.</param>
    /// <param name="metrics">The request's figures; null when they were not asked for.</param>
    byte[] Whole(IReadOnlyList<TextResult> results, RequestMetrics? metrics);

    /// <summary>Starts a stream.</summary>
    void Begin(ServerSentEvents events);

    /// <summary>Text that was added.</summary>
    /// <param name="events">Receives the piece.</param>
    /// <param name="added">What was added to it.</param>
    void Added(ServerSentEvents events, int index, TextAdded added);

    /// <summary>Drafts now in flight behind the only text.</summary>
    void Drafts(ServerSentEvents events, DraftTextChanged drafts);

    /// <summary>The end of a text, with its reason.</summary>
    /// <param name="events">Receives the piece.</param>
    /// <param name="result">All of it.</param>
    /// <param name="metrics">The request's figures, with its last text, when they were asked for.</param>
    void Finish(ServerSentEvents events, int index, TextResult result, RequestMetrics? metrics);

    /// <summary>The end of the stream: every text is complete.</summary>
    void End(ServerSentEvents events);

    /// <summary>The stream breaks off.</summary>
    void Fail(ServerSentEvents events, ApiException error);
}
