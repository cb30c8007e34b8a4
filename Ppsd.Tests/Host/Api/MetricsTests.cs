using System.Globalization;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Tests.Host.Api;

/// <summary>What Prometheus reads, by the names dashboards know.</summary>
[NonParallelizable] // A pipeline that many sessions share drafts little or not at all.
public sealed class MetricsTests
{
    [Test]
    public async Task Requests_tokens_latencies_drafts_and_stages_are_counted_under_vllms_suffixes()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings());
        using var http = new HttpClient { BaseAddress = server.Address };
        const int tokens = 30;
        await http.PostAsync(
            "/v1/completions",
            $"{{\"prompt\":\"USER: How many legs do 3 cats have? ASSISTANT:\",\"max_tokens\":{tokens},\"ignore_eos\":true}}"
        );
        HttpAnswers.AssertError(await http.PostAsync("/v1/completions", "{}"), 400);

        var lines = (await http.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Split('\n');
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Value("ppsd_generation_tokens_total"), Is.EqualTo(tokens));
            Assert.That(Value("ppsd_prompt_tokens_total"), Is.EqualTo(14));
            Assert.That(Value("ppsd_request_success_total", "finished_reason=\"length\""), Is.EqualTo(1));
            Assert.That(Value("ppsd_request_failure_total", "reason=\"400\""), Is.EqualTo(1));
            Assert.That(Value("ppsd_num_requests_running"), Is.Zero);
            Assert.That(Value("ppsd_num_requests_waiting"), Is.Zero);
            Assert.That(Value("ppsd_time_to_first_token_seconds_count"), Is.EqualTo(1));
            Assert.That(Value("ppsd_time_per_output_token_seconds_count"), Is.EqualTo(1));
            Assert.That(Value("ppsd_inter_token_latency_seconds_count"), Is.EqualTo(tokens - 1));
            Assert.That(
                Value("ppsd_e2e_request_latency_seconds_sum"),
                Is.GreaterThan(Value("ppsd_time_to_first_token_seconds_sum"))
            );
            Assert.That(
                Value("ppsd_spec_decode_num_accepted_tokens_total"),
                Is.InRange(1, Value("ppsd_spec_decode_num_draft_tokens_total"))
            );
            Assert.That(Value("ppsd_spec_decode_num_cycles_total"), Is.Positive);
            Assert.That(
                Value("ppsd_spec_decode_num_rows_total"),
                Is.GreaterThanOrEqualTo(Value("ppsd_spec_decode_num_cycles_total"))
            );
            Assert.That(
                Value("ppsd_spec_decode_num_accepted_tokens_per_step_total", "source=\"exit_head\",step=\"0\""),
                Is.InRange(1, Value("ppsd_spec_decode_num_draft_tokens_per_step_total", "source=\"exit_head\""))
            );
            Assert.That(
                Value("ppsd_spec_decode_num_drafts_total"),
                Is.EqualTo(1 + Value("ppsd_rollbacks_total")),
                "one request: its runs are its rollbacks and the last"
            );
            Assert.That(Value("ppsd_spec_decode_num_cancelled_tokens_total"), Is.GreaterThanOrEqualTo(0));
            Assert.That(Value("gen_ai_server_request_duration_seconds_count"), Is.EqualTo(1));
            Assert.That(Value("ppsd_pipeline_ready"), Is.EqualTo(1));
            Assert.That(Value("ppsd_cluster_members", "status=\"up\""), Is.EqualTo(1));
            Assert.That(Value("ppsd_link_bytes_total", "from=\"3\""), Is.GreaterThanOrEqualTo(0));
            foreach (var stage in Enumerable.Range(1, 4))
            {
                Assert.That(Value("ppsd_stage_busy_seconds_total", $"stage=\"{stage}\""), Is.GreaterThanOrEqualTo(0));
                Assert.That(Value("ppsd_stage_idle_seconds_total", $"stage=\"{stage}\""), Is.GreaterThanOrEqualTo(0));
                Assert.That(Value("ppsd_kv_cache_usage_perc", $"stage=\"{stage}\""), Is.InRange(0, 1));
            }
        }

        double Value(string name, string label = "")
        {
            var line = Array.Find(
                lines,
                line =>
                    line.StartsWith(name, StringComparison.Ordinal)
                    && line[name.Length] is '{' or ' '
                    && line.Contains(label, StringComparison.Ordinal)
            );
            Assert.That(line, Is.Not.Null, $"{name} {label}");
            return double.Parse(line![(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
        }
    }
}
