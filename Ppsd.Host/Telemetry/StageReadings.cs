using System.Diagnostics.Metrics;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;

namespace Ppsd.Host.Telemetry;

/// <summary>Instruments of stages, links and members: what the last look at the cluster showed.</summary>
internal static class StageReadings
{
    /// <summary>Creates them.</summary>
    public static void Observe(Meter meter, PipelineWatch watch)
    {
        meter.CreateObservableGauge(
            "ppsd.pipeline_ready",
            () => watch.Missing() is null ? 1 : 0,
            null,
            "1 when all stages answer."
        );
        meter.CreateObservableGauge(
            "ppsd.kv_cache_usage_perc",
            () => Each(watch, stage => (double)stage.UsedPages / stage.Description.PageCount),
            null,
            "Share of KV pages held by sessions, 0 to 1."
        );
        meter.CreateObservableGauge(
            "ppsd.stage_sessions",
            () => Each(watch, stage => stage.OpenSessions),
            null,
            "Sessions open at the stage."
        );
        meter.CreateObservableCounter(
            "ppsd.stage_busy",
            () => Each(watch, stage => stage.BusyMs / 1000),
            "s",
            "Time spent on micro-batches since the stage loaded."
        );
        meter.CreateObservableCounter(
            "ppsd.stage_idle",
            () => Each(watch, stage => Math.Max(0, stage.UpMs - stage.BusyMs) / 1000),
            "s",
            "Time spent waiting since the stage loaded."
        );
        meter.CreateObservableCounter(
            "ppsd.stage_steps",
            () => Each(watch, stage => stage.DecodeSteps),
            null,
            "Micro-batches of candidates completed."
        );
        meter.CreateObservableCounter(
            "ppsd.stage_cancelled_steps",
            () => Each(watch, stage => stage.CancelledSteps),
            null,
            "Micro-batches that a cancel reached."
        );
        meter.CreateObservableCounter(
            "ppsd.stage_rows",
            () => Each(watch, stage => stage.ComputedRows),
            null,
            "Rows that went through the stage's layers: of prompts, verified tokens and drafts."
        );
        meter.CreateObservableGauge(
            "ppsd.stage_sent_rows",
            () => Each(watch, stage => stage.SentRowBytes),
            "By",
            "Hidden states that the stage keeps to send them again (--replay-memory)."
        );
        meter.CreateObservableCounter(
            "ppsd.refused_messages",
            () => Each(watch, stage => stage.RefusedMessages),
            null,
            "Messages that are not on the wire's allow-list, or not what they say they are."
        );
        meter.CreateObservableCounter(
            "ppsd.link_bytes",
            () => Links(watch.Latest, stage => stage.LinkBytes),
            null,
            "Hidden states handed from a stage to the next one."
        );
        meter.CreateObservableGauge(
            "ppsd.link_latency",
            () => Links(watch.Latest, stage => stage.LinkRoundTripMs / 1000),
            "s",
            "Round trip from a stage's mailbox to the next one's."
        );
        meter.CreateObservableGauge(
            "ppsd.cluster_members",
            () => Members(watch.Latest),
            null,
            "Members of the cluster."
        );
    }

    private static IEnumerable<Measurement<double>> Each(PipelineWatch watch, Func<StageStatus, double> read) =>
        watch
            .Latest.Stages.Select(stage => stage.Status)
            .OfType<StageStatus>()
            .Select(stage => new Measurement<double>(read(stage), Label("stage", stage.Stage.Number)));

    /// <summary>Of each stage but the last, by the link to the next one; none where the figure is not known.</summary>
    private static IEnumerable<Measurement<double>> Links(ClusterSnapshot snapshot, Func<StageStatus, double?> read) =>
        snapshot
            .Stages.SkipLast(1)
            .Select(stage => (Value: stage.Status is { } status ? read(status) : null, stage.Stage.Number))
            .Where(link => link.Value is not null)
            .Select(link => new Measurement<double>(
                link.Value!.Value,
                Label("from", link.Number),
                Label("to", link.Number + 1)
            ));

    private static IEnumerable<Measurement<long>> Members(ClusterSnapshot snapshot) =>
        snapshot
            .Members.GroupBy(member => (Roles: string.Join(',', member.Roles), Status: StatusOf(member)))
            .Select(group => new Measurement<long>(
                group.Count(),
                Label("role", group.Key.Roles),
                Label("status", group.Key.Status)
            ));

    private static string StatusOf(MemberSnapshot member) =>
        member.IsReachable ? member.Status.ToLowerInvariant() : "unreachable";

    private static KeyValuePair<string, object?> Label(string name, object value) => new(name, value);
}
