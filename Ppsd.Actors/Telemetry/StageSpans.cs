using System.Diagnostics;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Telemetry;

/// <summary>Traces of stages: a span for each session, from its first micro-batch at the stage to its release.</summary>
public static class StageSpans
{
    /// <summary>Name of the source, for exporters.</summary>
    public const string SourceName = "ppsd.stages";

    private static readonly ActivitySource _source = new(SourceName);

    /// <summary>Begins a span; null when there is no listener or the request is not traced.</summary>
    /// <param name="traceParent">Span of the request; null for none.</param>
    internal static Activity? Begin(StageIndex stage, SessionId session, string? traceParent)
    {
        if (traceParent is null || !ActivityContext.TryParse(traceParent, null, isRemote: true, out var request))
        {
            return null;
        }

        // The stage's thread serves many sessions, so none of their spans may become its current activity.
        var current = Activity.Current;
        var span = _source.StartActivity($"stage {stage.Number}", ActivityKind.Internal, request);
        Activity.Current = current;
        span?.SetTag("ppsd.stage", stage.Number);
        span?.SetTag("ppsd.session", session.ToString());
        return span;
    }
}
