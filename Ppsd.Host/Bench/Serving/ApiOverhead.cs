using System.Text.Json;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Generation;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Bench.Serving;

/// <summary>
/// Overhead of the API for a single request: the same requests over HTTP and straight to the pipeline, in turn, so that
/// other load on the machine affects both alike.
/// </summary>
internal sealed class ApiOverhead(ServeClient client, ServedModel model, IPipelineAccess pipeline, TimeProvider clock)
{
    private readonly ChatRequestReader _chat = new(model, new RequestDefaults());
    private readonly CompletionRequestReader _completions = new(model, new RequestDefaults());

    /// <summary>Measures.</summary>
    /// <param name="pairs">Number of requests, each sent both ways.</param>
    public async Task<OverheadResult> RunAsync(
        IReadOnlyList<ServeRequest> requests,
        int pairs,
        CancellationToken cancellation
    )
    {
        var http = new List<ServeSample>();
        var direct = new List<ServeSample>();
        for (var i = 0; i < pairs; i++)
        {
            var request = requests[i % requests.Count];
            http.Add(await client.RunAsync(request, cancellation));
            direct.Add(await RunDirectAsync(request, cancellation));
        }

        return new OverheadResult(http, direct);
    }

    private async Task<ServeSample> RunDirectAsync(ServeRequest request, CancellationToken cancellation)
    {
        using var body = JsonDocument.Parse(request.Body);
        ITextRequestReader reader = request.Route == "v1/completions" ? _completions : _chat;
        var read = reader.Read(body.RootElement, cancellation);
        var generator = new TextGenerator(pipeline.Client, model.Assets);
        var started = clock.GetTimestamp();
        long first = 0;
        long last = 0;
        var tokens = 0;
        await foreach (var next in generator.StreamAsync(read.Prompts[0].Tokens, read.SettingsOf(0), cancellation))
        {
            if (next is TextAdded { Text.Length: > 0 })
            {
                last = clock.GetTimestamp();
                first = first == 0 ? last : first;
            }

            tokens = next is TextCompleted completed ? completed.Result.TokenIds.Count : tokens;
        }

        return new ServeSample
        {
            OutputTokens = tokens,
            TimeToFirstTokenMs = clock.GetElapsedTime(started, first).TotalMilliseconds,
            LatencyMs = clock.GetElapsedTime(started, last).TotalMilliseconds,
        };
    }
}
