using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Responses;

/// <summary>How a route writes a text: whole, or piece by piece. Serves one request.</summary>
internal interface ITextFormat
{
    /// <summary>The whole answer.</summary>
    byte[] Whole(TextResult result, RequestMetrics? metrics);

    /// <summary>First chunk of a stream; null for none.</summary>
    byte[]? First();

    /// <summary>Text that was added.</summary>
    byte[] Added(TextAdded added);

    /// <summary>Drafts now in flight.</summary>
    byte[] Drafts(IReadOnlyList<string> drafts);

    /// <summary>The end of the text, with its reason.</summary>
    byte[] Finish(TextResult result, RequestMetrics? metrics);

    /// <summary>The usage, last.</summary>
    byte[] UsageOf(TextResult result);
}
