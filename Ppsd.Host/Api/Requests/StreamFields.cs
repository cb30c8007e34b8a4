using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Requests;

/// <summary>The fields that say how an answer is sent.</summary>
/// <param name="Streams">As it grows.</param>
/// <param name="IncludesUsage">With the usage at the end of a stream.</param>
/// <param name="ReportsUsage">With the usage so far in each piece of a stream.</param>
/// <param name="IncludesMetrics">With the request's own figures.</param>
internal sealed record StreamFields(bool Streams, bool IncludesUsage, bool ReportsUsage, bool IncludesMetrics)
{
    /// <summary>Reads them.</summary>
    public static StreamFields Read(RequestFields fields, RequestDefaults defaults)
    {
        var streams = fields.Switch("stream") ?? false;
        var includesUsage = false;
        var reportsUsage = false;
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
            reportsUsage = options.Switch("continuous_usage_stats") ?? false;
            options.RefuseRest();
        }

        return new StreamFields(
            streams,
            includesUsage,
            reportsUsage,
            fields.Switch("per_request_metrics") ?? defaults.IncludesMetrics
        );
    }

    /// <summary>Drafts come and go while a text grows; a whole text has none.</summary>
    public void RefuseDraftsUnlessStreaming(GenerationSettings settings, int textCount)
    {
        if (settings.ShowDrafts && textCount > 1)
        {
            throw ApiException.BadRequest(
                $"drafts: expected one text with it, found {textCount}",
                "drafts",
                "unsupported_value"
            );
        }

        if (settings.ShowDrafts && !Streams)
        {
            throw ApiException.BadRequest("drafts: expected stream to be true with it", "drafts", "invalid_value");
        }
    }
}
