using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Ppsd.Tests.Host.Api;

namespace Ppsd.Tests.Host.Reliability;

/// <summary>What a reader of a stream has in the end, and how it came.</summary>
/// <param name="Content">Text, log-probabilities, finish reason and usage: what no fault may change.</param>
/// <param name="Text">The text alone.</param>
/// <param name="Pause">Longest time without a word.</param>
/// <param name="Resumes">Times another pipeline went on with it.</param>
/// <param name="Replayed">Tokens computed again.</param>
internal sealed record ChaosStream(string Content, string Text, TimeSpan Pause, int Resumes, int Replayed)
{
    private const string Data = "data: ";

    /// <summary>Reads a completion to its end.</summary>
    /// <param name="body">The request's fields, without braces.</param>
    /// <param name="onText">Told how many characters have come.</param>
    public static async Task<ChaosStream> ReadAsync(HttpClient http, string body, Action<int>? onText = null)
    {
        var json = $$"""
            { {{body}}, "stream": true, "stream_options": { "include_usage": true }, "per_request_metrics": true }
            """;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = HttpAnswers.Json(json),
        };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var (text, logprobs, end) = (new StringBuilder(), new StringBuilder(), new StringBuilder());
        var (pause, resumes, replayed, isDone) = (TimeSpan.Zero, 0, 0, false);
        var last = Stopwatch.GetTimestamp();
        while (await reader.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith(Data, StringComparison.Ordinal))
            {
                Assert.That(
                    line,
                    Does.Not.Contain("event: error"),
                    $"after {text.Length} characters: {(line.StartsWith("event: error", StringComparison.Ordinal) ? await reader.ReadLineAsync() : "")}"
                );
                continue;
            }

            if (line == Data + "[DONE]")
            {
                isDone = true;
                continue;
            }

            var gap = Stopwatch.GetElapsedTime(last);
            last = Stopwatch.GetTimestamp();
            pause = gap > pause ? gap : pause;
            using var part = JsonDocument.Parse(line[Data.Length..]);
            Assert.That(part.RootElement.TryGetProperty("error", out _), Is.False, line);
            foreach (var choice in part.RootElement.GetProperty("choices").EnumerateArray())
            {
                text.Append(choice.GetProperty("text").GetString());
                logprobs.Append(Logprobs(choice));
                end.Append(choice.TryGetProperty("finish_reason", out var reason) ? reason.ToString() : "");
            }

            if (part.RootElement.TryGetProperty("usage", out var usage))
            {
                end.Append(usage.ToString());
            }

            if (
                part.RootElement.TryGetProperty("metrics", out var metrics)
                && metrics.ValueKind == JsonValueKind.Object
            )
            {
                resumes = metrics.GetProperty("resumes").GetInt32();
                replayed = metrics.GetProperty("replayed_tokens").GetInt32();
            }

            onText?.Invoke(text.Length);
        }

        Assert.That(isDone, $"the stream ended without its end after {text.Length} characters");
        return new ChaosStream($"{text}\n{logprobs}\n{end}", text.ToString(), pause, resumes, replayed);
    }

    /// <summary>Tokens and what they were worth, however they were divided into chunks.</summary>
    private static string Logprobs(JsonElement choice) =>
        choice.TryGetProperty("logprobs", out var logprobs) && logprobs.ValueKind == JsonValueKind.Object
            ? string.Concat(
                ((string[])["tokens", "token_logprobs", "top_logprobs"])
                    .Select(name => logprobs.GetProperty(name).EnumerateArray().ToList())
                    .ToList()
                    is var lists
                    ? Enumerable.Range(0, lists[0].Count).Select(i => $"{lists[0][i]} {lists[1][i]} {lists[2][i]}\n")
                    : []
            )
            : "";
}
