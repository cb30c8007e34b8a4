using System.Diagnostics;
using System.Globalization;
using System.Net;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Api;

/// <summary>
/// Mixed traffic with random disconnects on a server in a process of its own: its memory stays flat, its texts stay the
/// same, and nothing is held at the end. 60 seconds, or as many as PPSD_TEST_SOAK_SECONDS says (600 before a release).
/// </summary>
[Parallelizable(ParallelScope.Self)]
public sealed class SoakTests
{
    private const int Workers = 6;
    private const long NoiseBytes = 48 << 20;
    private const string Steady =
        """{"prompt":"USER: How many legs do 3 cats have? ASSISTANT:","max_tokens":40,"temperature":0.8,"seed":5,"presence_penalty":0.3,"logprobs":2}""";

    private static TimeSpan Duration =>
        TimeSpan.FromSeconds(
            double.Parse(
                Environment.GetEnvironmentVariable("PPSD_TEST_SOAK_SECONDS") ?? "60",
                CultureInfo.InvariantCulture
            )
        );

    [Test]
    public async Task Mixed_traffic_with_disconnects_leaves_memory_flat_texts_alike_and_nothing_held()
    {
        await using var server = await ServerProcess.StartAsync(
            "--kv-cache-bytes",
            $"{8 << 20}",
            "--max-running",
            "4",
            "--max-queue",
            $"{Workers}"
        );
        var (_, expected) = await server.Http.PostAsync("/v1/completions", Steady);
        var text = expected.GetProperty("choices").GetRawText();
        var started = Stopwatch.GetTimestamp();
        var workers = Enumerable
            .Range(0, Workers)
            .Select(worker => WorkAsync(server.Http, new SoakTraffic(worker), started, text))
            .ToList();
        var memory = new List<long>();
        while (Stopwatch.GetElapsedTime(started) < Duration)
        {
            await Task.Delay(500);
            memory.Add(
                (await server.Http.ReadAsync("/cluster"))
                    .Body.GetProperty("stages")[0]
                    .GetProperty("host_memory_bytes")
                    .GetInt64()
            );
        }

        var served = (await Task.WhenAll(workers)).Sum();
        await ServedPipeline.AssertNothingHeldAsync(server.Http);

        // Medians of the second and the last third: the first warms up, and collections make single values jump.
        var third = memory.Count / 3;
        var before = Median(memory[third..(2 * third)]);
        var after = Median(memory[(2 * third)..]);
        TestContext.Out.WriteLine($"{served} requests; resident {before >> 20} MiB, then {after >> 20} MiB");
        Assert.That(served, Is.GreaterThan(20));
        Assert.That(after, Is.LessThan(before + Math.Max(NoiseBytes, before / 10)), "memory grows");
    }

    private static async Task<int> WorkAsync(HttpClient http, SoakTraffic traffic, long started, string expected)
    {
        var served = 0;
        while (Stopwatch.GetElapsedTime(started) < Duration)
        {
            if (traffic.IsSteady())
            {
                var (status, body) = await http.PostAsync("/v1/completions", Steady);
                Assert.That(status, Is.EqualTo(HttpStatusCode.OK), body.ToString());
                Assert.That(body.GetProperty("choices").GetRawText(), Is.EqualTo(expected), "the text depends on load");
            }
            else
            {
                await SendAsync(http, traffic);
            }

            served++;
        }

        return served;
    }

    /// <summary>Sends something, reads some of the answer and leaves; refusals of bad bodies are answers too.</summary>
    private static async Task SendAsync(HttpClient http, SoakTraffic traffic)
    {
        using var request = traffic.Next();
        using var patience = new CancellationTokenSource(traffic.Patience());
        try
        {
            using var response = await http.SendAsync(
                request,
                HttpCompletionOption.ResponseHeadersRead,
                patience.Token
            );
            Assert.That((int)response.StatusCode, Is.AnyOf(200, 400));
            await response.Content.CopyToAsync(Stream.Null, patience.Token);
        }
        catch (OperationCanceledException)
        {
            // The disconnect that was wanted.
        }
    }

    private static long Median(List<long> values) => values.Order().ElementAt(values.Count / 2);
}
