using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json;

namespace Ppsd.Host.Bench.Serving;

/// <summary>Sends streamed requests to an OpenAI-compatible server and times what comes back. Thread-safe.</summary>
/// <param name="http">Knows the server's address and key.</param>
internal sealed class ServeClient(HttpClient http, TimeProvider clock)
{
    /// <summary>The first model the server names.</summary>
    /// <exception cref="UserErrorException">It does not answer.</exception>
    public async Task<string> ModelAsync(CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("v1/models", UriKind.Relative), cancellation);
            answer.EnsureSuccessStatusCode();
            using var models = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellation));
            return models.RootElement.GetProperty("data")[0].GetProperty("id").GetString()!;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or KeyNotFoundException)
        {
            throw new UserErrorException($"--base-url: {http.BaseAddress} does not name its models: {e.Message}", e);
        }
    }

    /// <summary>True when the server is this program, which has fields of its own.</summary>
    public async Task<bool> IsPpsdAsync(CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("v1/models", UriKind.Relative), cancellation);
            return (await answer.Content.ReadAsStringAsync(cancellation)).Contains(
                "\"ppsd\"",
                StringComparison.Ordinal
            );
        }
        catch (HttpRequestException e)
        {
            throw new UserErrorException($"--base-url: {http.BaseAddress} does not answer: {e.Message}", e);
        }
    }

    /// <summary>Sends a request and reads its answer to the end.</summary>
    public async Task<ServeSample> RunAsync(ServeRequest request, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        using var message = new HttpRequestMessage(HttpMethod.Post, request.Route);
        message.Content = new ByteArrayContent(request.Body);
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        try
        {
            using var answer = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);
            return answer.IsSuccessStatusCode
                ? await ReadAsync(await answer.Content.ReadAsStreamAsync(cancellation), started, cancellation)
                : new ServeSample
                {
                    Failure =
                        $"status {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellation)}",
                };
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            return new ServeSample { Failure = e.Message };
        }
    }

    private async Task<ServeSample> ReadAsync(Stream stream, long started, CancellationToken cancellation)
    {
        var sample = new ServeSample { Failure = "the stream ended early" };
        var gaps = new List<double>();
        long last = 0;
        await foreach (var item in SseParser.Create(stream, Parse).EnumerateAsync(cancellation))
        {
            var chunk = item.Data;
            if (chunk.Error is { } error)
            {
                return new ServeSample { Failure = error };
            }

            if (chunk.HasText)
            {
                var now = clock.GetTimestamp();
                if (last == 0)
                {
                    sample = sample with { TimeToFirstTokenMs = Ms(started, now) };
                }
                else
                {
                    gaps.Add(Ms(last, now));
                }

                last = now;
            }

            sample = chunk.ApplyTo(sample);
        }

        return sample with
        {
            LatencyMs = Ms(started, last),
            GapsMs = gaps,
        };
    }

    private double Ms(long from, long to) => clock.GetElapsedTime(from, to).TotalMilliseconds;

    private static ServeChunk Parse(string eventType, ReadOnlySpan<byte> data) =>
        data.SequenceEqual("[DONE]"u8) ? ServeChunk.Done : ServeChunk.Parse(data);
}
