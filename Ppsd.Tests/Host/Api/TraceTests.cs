using System.Collections.Concurrent;
using System.Diagnostics;
using Ppsd.Actors.Telemetry;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Tests.Host.Api;

/// <summary>A request's trace: where its time went, at the server and at every stage.</summary>
[NonParallelizable] // It expects that nobody else holds a session of the shared pipeline.
public sealed class TraceTests
{
    private const string CallersTrace = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Test]
    public async Task A_request_has_a_span_for_each_part_and_each_stage_in_the_trace_of_its_caller()
    {
        var name = $"traced-{Guid.NewGuid():N}";
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source =>
                source.Name == name || source.Name is StageSpans.SourceName or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var server = await SharedServer.StartAsync(new ServerSettings(), name);
        using var http = new HttpClient { BaseAddress = server.Address };
        http.DefaultRequestHeaders.Add("traceparent", $"00-{CallersTrace}-00f067aa0ba902b7-01");
        await http.PostAsync("/v1/completions", """{"prompt":"USER: hi ASSISTANT:","max_tokens":5}""");
        await SharedServer.AssertNothingHeldAsync();

        var spans = ended.Where(span => span.TraceId.ToString() == CallersTrace).ToList();
        var request = spans.Single(span => span.OperationName == "text /v1/completions");
        var parts = spans.Where(span => span.ParentSpanId == request.SpanId).Select(span => span.OperationName);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                parts,
                Is.EquivalentTo(["queue", "prefill", "decode", "stage 1", "stage 2", "stage 3", "stage 4"])
            );
            Assert.That(request.GetTagItem("gen_ai.usage.output_tokens"), Is.EqualTo(5));
            Assert.That(
                spans.Where(span => span.OperationName.StartsWith("stage", StringComparison.Ordinal)),
                Has.All.Property(nameof(Activity.Duration)).GreaterThan(TimeSpan.Zero)
            );
        }
    }
}
