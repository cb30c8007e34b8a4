using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Requests;

/// <summary>The fields that say how an answer is sent.</summary>
/// <param name="Streams">As it grows.</param>
/// <param name="IncludesUsage">With the usage at the end of a stream.</param>
/// <param name="IncludesMetrics">With the request's own figures.</param>
internal sealed record StreamFields(bool Streams, bool IncludesUsage, bool IncludesMetrics)
{
    /// <summary>Reads them.</summary>
    public static StreamFields Read(RequestFields fields, RequestDefaults defaults)
    {
        var streams = fields.Switch("stream") ?? false;
        var includesUsage = false;
        if (fields.Object("stream_options") is { } options)
        {
            if (!streams)
            {
                throw ApiException.BadRequest(
                    "stream_options: expected stream to be true with it",
                    "stream_options",
                    "invalid_value"
                );
            }

            // Obfuscation pads chunks against eavesdroppers who know their lengths; it never changes the text.
            options.Switch("include_obfuscation");
            includesUsage = options.Switch("include_usage") ?? false;
            options.RefuseRest();
        }

        return new StreamFields(
            streams,
            includesUsage,
            fields.Switch("per_request_metrics") ?? defaults.IncludesMetrics
        );
    }

    /// <summary>Drafts come and go while a text grows; a whole text has none.</summary>
    public void RefuseDraftsUnlessStreaming(GenerationSettings settings)
    {
        if (settings.ShowDrafts && !Streams)
        {
            throw ApiException.BadRequest("drafts: expected stream to be true with it", "drafts", "invalid_value");
        }
    }
}
