using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Clusters;

/// <summary>A cluster snapshot as JSON: what <c>ppsd cluster status --json</c> prints and <c>GET /cluster</c> answers.</summary>
internal static class ClusterJson
{
    /// <summary>One line, without its end.</summary>
    public static string Line(ClusterSnapshot snapshot, SnapshotRates? rates)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (
            var json = new Utf8JsonWriter(
                buffer,
                new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            )
        )
        {
            Write(json, snapshot, rates);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Writes the object.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="rates">What happened since an earlier look; null leaves rates null.</param>
    public static void Write(Utf8JsonWriter json, ClusterSnapshot snapshot, SnapshotRates? rates)
    {
        json.WriteStartObject();
        json.WriteString("taken_at", snapshot.TakenAt);
        json.WriteStartObject("pipeline");
        json.WriteBoolean("formed", snapshot.IsFormed);
        json.WriteBoolean("admitting", snapshot.IsAdmitting);
        json.WriteString("state", snapshot.Explanation);
        json.WriteNumber("epoch", snapshot.Epoch);
        json.WriteString("model_fingerprint", snapshot.ModelFingerprint);
        WriteNullable(json, "tokens_per_second", rates?.TokensPerSecond, digits: 2);
        WriteNullable(json, "acceptance_rate", rates?.AcceptanceRate, digits: 4);
        WriteSessions(json, snapshot.Sessions);
        json.WriteEndObject();
        json.WriteStartArray("stages");
        for (var i = 0; i < snapshot.Stages.Count; i++)
        {
            WriteStage(json, snapshot.Stages[i], rates?.BusyShares[i]);
        }

        json.WriteEndArray();
        json.WriteStartArray("members");
        foreach (var member in snapshot.Members)
        {
            WriteMember(json, member);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSessions(Utf8JsonWriter json, SessionTotals? sessions)
    {
        if (sessions is null)
        {
            json.WriteNull("sessions");
            return;
        }

        json.WriteStartObject("sessions");
        json.WriteNumber("running", sessions.Running);
        json.WriteNumber("waiting", sessions.Waiting);
        json.WriteNumber("ended", sessions.Ended);
        json.WriteNumber("prompt_tokens", sessions.PromptTokens);
        json.WriteNumber("generated_tokens", sessions.GeneratedTokens);
        json.WriteNumber("verified_drafts", sessions.VerifiedDrafts);
        json.WriteNumber("accepted_drafts", sessions.AcceptedDrafts);
        json.WriteNumber("cancelled_drafts", sessions.CancelledDrafts);
        json.WriteNumber("rollbacks", sessions.Rollbacks);
        json.WriteNumber("restarts", sessions.Restarts);
        json.WriteNumber("cycles", sessions.Cycles);
        json.WriteNumber("rows", sessions.Rows);
        json.WriteStartArray("sources");
        foreach (var source in sessions.Sources)
        {
            json.WriteStartObject();
            json.WriteString("source", DraftNames.KeyOf(source.Source));
            json.WriteNumber("step", source.Step);
            json.WriteNumber("verified_drafts", source.Judged);
            json.WriteNumber("accepted_drafts", source.Accepted);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteStage(Utf8JsonWriter json, StageSnapshot stage, double? busyShare)
    {
        var description = stage.Description;
        var status = stage.Status;
        json.WriteStartObject();
        json.WriteNumber("stage", stage.Stage.Number);
        json.WriteString("node", stage.Address);
        json.WriteBoolean("answers", status is not null);
        json.WriteNumber("first_layer", description.FirstLayer + 1);
        json.WriteNumber("layers", description.LayerCount);
        json.WriteBoolean("exit_head", description.HasExitHead);
        json.WriteBoolean("target_head", description.HasTargetHead);
        json.WriteString("device", description.Device);
        json.WriteNumber("weight_bytes", description.WeightBytes);
        json.WriteNumber("kv_pages", description.PageCount);
        json.WriteNumber("kv_page_tokens", description.PageSize);
        WriteNullable(json, "kv_pages_used", status?.UsedPages);
        WriteNullable(json, "host_memory_bytes", status?.HostMemoryBytes);
        WriteNullable(json, "sessions", status?.OpenSessions);
        WriteNullable(json, "queue", status?.QueueLength);
        WriteNullable(json, "busy_share", busyShare, digits: 4);
        WriteNullable(json, "busy_ms", status?.BusyMs, digits: 3);
        WriteNullable(json, "up_ms", status?.UpMs, digits: 3);
        WriteNullable(json, "decode_steps", status?.DecodeSteps);
        WriteNullable(json, "cancelled_steps", status?.CancelledSteps);
        WriteNullable(json, "refused_messages", status?.RefusedMessages);
        WriteNullable(json, "cycles", status?.Cycles);
        WriteNullable(json, "cycle_ms", status?.CycleMs, digits: 3);
        WriteNullable(json, "computed_rows", status?.ComputedRows);
        WriteNullable(json, "sent_row_bytes", status?.SentRowBytes);
        WriteNullable(json, "link_bytes", status?.LinkBytes);
        WriteNullable(json, "link_round_trip_ms", status?.LinkRoundTripMs, digits: 4);
        json.WriteEndObject();
    }

    private static void WriteMember(Utf8JsonWriter json, MemberSnapshot member)
    {
        json.WriteStartObject();
        json.WriteString("address", member.Address);
        json.WriteStartArray("roles");
        foreach (var role in member.Roles)
        {
            json.WriteStringValue(role);
        }

        json.WriteEndArray();
        json.WriteString("status", member.Status);
        json.WriteBoolean("reachable", member.IsReachable);
        json.WriteBoolean("coordinator", member.IsCoordinator);
        json.WriteBoolean("self", member.IsSelf);
        json.WriteEndObject();
    }

    private static void WriteNullable(Utf8JsonWriter json, string name, double? value, int digits = 0)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, Math.Round(number, digits));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
