using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ppsd.Actors.Messages;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Generation;

/// <summary>A finished generation as one line of JSON.</summary>
internal static class GenerationJson
{
    /// <summary>The line, without its end.</summary>
    /// <param name="sampling">How its tokens were drawn; the seed is told where there was noise.</param>
    /// <param name="decode">How it was decoded; null for the pipeline's own ways.</param>
    public static string Line(TextResult result, SamplingSettings sampling, string? decode = null)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (
            var json = new Utf8JsonWriter(
                buffer,
                new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            )
        )
        {
            json.WriteStartObject();
            WriteIds(json, "prompt_token_ids", result.PromptTokenIds);
            WriteIds(json, "token_ids", result.TokenIds);
            json.WriteString("text", result.Text);
            json.WriteString("finish_reason", Name(result.Reason));
            if (!SamplingParameters.IsGreedyAt(sampling.Temperature))
            {
                json.WriteNumber("seed", sampling.Seed);
            }

            json.WriteStartObject("stats");
            WriteStats(json, result.Stats, decode);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteIds(Utf8JsonWriter json, string name, IReadOnlyList<int> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids)
        {
            json.WriteNumberValue(id);
        }

        json.WriteEndArray();
    }

    private static void WriteStats(Utf8JsonWriter json, SessionStats stats, string? decode)
    {
        json.WriteString("decode", decode ?? (stats.Drafts != DraftSources.None ? "ppsd" : "autoregressive"));
        json.WriteNumber("stages", stats.StageCount);
        json.WriteNumber("prompt_tokens", stats.PromptTokens);
        json.WriteNumber("generated_tokens", stats.GeneratedTokens);
        json.WriteNumber("verified_drafts", stats.VerifiedDrafts);
        json.WriteNumber("accepted_drafts", stats.AcceptedDrafts);
        WriteIf(stats.VerifiedDrafts > 0, "acceptance_rate", stats.AcceptanceRate, digits: 4);
        json.WriteNumber("cancelled_drafts", stats.CancelledDrafts);
        json.WriteNumber("rollbacks", stats.Rollbacks);
        if (stats.Resumes > 0)
        {
            json.WriteNumber("resumes", stats.Resumes);
            json.WriteNumber("replayed_tokens", stats.ReplayedTokens);
        }

        json.WriteNumber("time_to_first_token_ms", Math.Round(stats.TimeToFirstTokenMs, 3));
        WriteIf(stats.TokensPerSecond > 0, "tokens_per_second", stats.TokensPerSecond, digits: 2);
        WriteIf(stats.MeanCycleMs > 0, "mean_cycle_ms", stats.MeanCycleMs, digits: 4);
        WriteIf(stats.Cycles > 0, "accepted_per_cycle", stats.AcceptedPerCycle, digits: 4);
        WriteIf(stats.Cycles > 0, "rows_per_cycle", stats.RowsPerCycle, digits: 4);
        json.WriteStartArray("drafts_by_source");
        foreach (var figures in stats.Sources)
        {
            json.WriteStartObject();
            json.WriteString("source", DraftNames.KeyOf(figures.Source));
            json.WriteNumber("step", figures.Step);
            json.WriteNumber("judged", figures.Judged);
            json.WriteNumber("accepted", figures.Accepted);
            json.WriteEndObject();
        }

        json.WriteEndArray();

        // Null for a rate of nothing: without a draft, without a second token.
        void WriteIf(bool isKnown, string name, double value, int digits)
        {
            if (isKnown)
            {
                json.WriteNumber(name, Math.Round(value, digits));
            }
            else
            {
                json.WriteNull(name);
            }
        }
    }

    private static string Name(FinishReason reason) =>
        reason switch
        {
            FinishReason.Stop => "stop",
            FinishReason.Length => "length",
            _ => "cancelled",
        };
}
