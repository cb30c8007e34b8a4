using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Ppsd.Tests.Host.Api;

namespace Ppsd.Tests.Host.Reliability;

/// <summary>
/// Six readers of an API, greedy and sampled, with log-probabilities, penalties and a stop string, who know what they must read.
/// </summary>
/// <param name="http">Talks to the API.</param>
/// <param name="length">Tokens of a text.</param>
internal sealed class ChaosReaders(HttpClient http, int length)
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    private readonly List<string> _requests = [];
    private readonly List<string> _expected = [];
    private int _firstLength;

    /// <summary>Reads the six texts once, undisturbed.</summary>
    public async Task ReadUndisturbedAsync()
    {
        const string Cats = "\"prompt\": \"USER: How many legs do 3 cats have? ASSISTANT:\"";
        var common = $"\"max_tokens\": {length}, \"ignore_eos\": true";
        var greedy = await ChaosStream.ReadAsync(http, $"{Cats}, {common}, \"temperature\": 0");
        _firstLength = greedy.Text.Length;

        // A string that comes late in the text ends it.
        var stop = JsonSerializer.Serialize(greedy.Text.Substring(greedy.Text.Length * 2 / 3, 12));
        _requests.AddRange([
            $"{Cats}, {common}, \"temperature\": 0",
            $"{Cats}, {common}, \"temperature\": 0, \"stop\": {stop}",
            $"{Cats}, {common}, \"temperature\": 0, \"frequency_penalty\": 0.5, \"presence_penalty\": 0.2",
            $"{Cats}, {common}, \"temperature\": 1, \"seed\": 1",
            $"{Cats}, {common}, \"temperature\": 1, \"seed\": 2, \"logprobs\": 2",
            $"{Cats}, {common}, \"temperature\": 1, \"seed\": 3, \"top_p\": 0.9, \"repetition_penalty\": 1.1",
        ]);
        foreach (var request in _requests)
        {
            _expected.Add((await ChaosStream.ReadAsync(http, request)).Content);
        }
    }

    /// <summary>
    /// Reads the six texts while something happens, and asserts that nothing of them has changed, that the pipeline serves again
    /// and that it holds nothing of them any more.
    /// </summary>
    /// <param name="name">Of what happens, for the table.</param>
    /// <param name="share">When: after this share of the first text.</param>
    /// <param name="happen">What happens.</param>
    public async Task<IReadOnlyList<ChaosStream>> DisturbAsync(string name, double share, Func<Task> happen)
    {
        var isTime = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = _requests
            .Select(
                (request, i) =>
                    ChaosStream.ReadAsync(
                        http,
                        request,
                        characters =>
                        {
                            if (i == 0 && characters >= share * _firstLength)
                            {
                                isTime.TrySetResult();
                            }
                        }
                    )
            )
            .ToList();
        await Task.WhenAny(isTime.Task, reading[0]).WaitAsync(_patience);
        Assert.That(isTime.Task.IsCompleted, $"{name}: the first text had ended before it was time");
        await happen();
        var streams = await Task.WhenAll(reading).WaitAsync(_patience);
        var pauses = streams.Select(stream => stream.Pause.TotalSeconds).Order().ToList();
        await TestContext.Out.WriteLineAsync(
            $"| {name} | {pauses[pauses.Count / 2]:0.0} s | {pauses[^1]:0.0} s | {streams.Sum(stream => stream.Resumes)} | "
                + $"{streams.Sum(stream => stream.Replayed)} |"
        );
        Assert.That(streams.Select(stream => stream.Content), Is.EqualTo(_expected), name);
        await AwaitReadyAsync();
        await ServedPipeline.AssertNothingHeldAsync(http);
        return streams;
    }

    /// <summary>Waits until every stage has loaded and answers.</summary>
    public Task AwaitReadyAsync() =>
        WaitForAsync(async () =>
        {
            var (status, body) = await http.ReadAsync("/health/ready");
            return status == HttpStatusCode.OK ? null : $"not ready: {body}";
        });

    /// <summary>Waits until nothing is amiss, as long as a machine may need that does other work too.</summary>
    /// <param name="trouble">Says what is amiss; null for nothing.</param>
    public static async Task WaitForAsync(Func<Task<string?>> trouble)
    {
        var started = Stopwatch.GetTimestamp();
        while (await trouble() is { } found)
        {
            Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(TimeSpan.FromMinutes(2)), found);
            await Task.Delay(100);
        }
    }
}
