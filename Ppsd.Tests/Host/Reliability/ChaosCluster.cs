using System.Diagnostics;
using System.Net;
using Ppsd.Tests.Host.Api;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Reliability;

/// <summary>An API that coordinates stages of the bundled model, each a process of its own on loopback, and six readers.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    private const int StageCount = 2;
    private const int Length = 400;

    private readonly ServerProcess _server;
    private readonly List<StageUnderTest> _stages = [];
    private readonly List<string> _requests = [];
    private readonly List<string> _expected = [];

    private ChaosCluster(ServerProcess server) => _server = server;

    /// <summary>Starts all and reads the six texts once, undisturbed.</summary>
    public static async Task<ChaosCluster> StartAsync()
    {
        var cluster = new ChaosCluster(await ServerProcess.StartAsync("--cluster", "--stages", $"{StageCount}"));
        try
        {
            await cluster.AddStageAsync();
            await cluster.AddStageAsync();
            await cluster.AwaitReadyAsync();
            await cluster.ReadUndisturbedAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts another stage process.</summary>
    public async Task AddStageAsync(params string[] arguments)
    {
        var stage = await StageUnderTest.StartAsync(["--seed-node", _server.Node!, .. arguments], StageCount);
        _stages.Add(stage);
        await WaitForAsync(async () =>
        {
            var (_, body) = await _server.Http.ReadAsync("/cluster");
            return body.GetProperty("members")
                .EnumerateArray()
                .Any(member => member.ToString().Contains(stage.Address));
        });
    }

    /// <summary>The process that holds a stage of the pipeline now.</summary>
    /// <param name="stage">From 1.</param>
    public async Task<StageUnderTest> HolderOfAsync(int stage)
    {
        var (_, body) = await _server.Http.ReadAsync("/cluster");
        var address = body.GetProperty("stages")[stage - 1].GetProperty("node").GetString();
        return _stages.Find(process => process.Address == address)
            ?? throw new AssertionException($"no process of ours is at {address}");
    }

    /// <summary>Reads the six texts while something happens, and asserts that nothing of them has changed.</summary>
    /// <param name="name">Of what happens, for the table.</param>
    /// <param name="afterChunks">When: after so many chunks of the first text.</param>
    /// <param name="happen">What happens.</param>
    public async Task<IReadOnlyList<ChaosStream>> DisturbAsync(string name, int afterChunks, Func<Task> happen)
    {
        var isTime = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = _requests
            .Select(
                (request, i) =>
                    ChaosStream.ReadAsync(
                        _server.Http,
                        request,
                        chunks =>
                        {
                            if (i == 0 && chunks == afterChunks)
                            {
                                isTime.TrySetResult();
                            }
                        }
                    )
            )
            .ToList();
        await isTime.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await happen();
        var streams = await Task.WhenAll(reading).WaitAsync(TimeSpan.FromMinutes(3));
        var pauses = streams.Select(stream => stream.Pause.TotalSeconds).Order().ToList();
        await TestContext.Out.WriteLineAsync(
            $"| {name} | {pauses[pauses.Count / 2]:0.0} s | {pauses[^1]:0.0} s | {streams.Sum(stream => stream.Resumes)} | "
                + $"{streams.Sum(stream => stream.Replayed)} |"
        );
        Assert.That(streams.Select(stream => stream.Content), Is.EqualTo(_expected), name);
        await AwaitReadyAsync();
        await ServedPipeline.AssertNothingHeldAsync(_server.Http);
        return streams;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var stage in _stages.Where(stage => stage.IsKilled is false))
        {
            Signals.Send(stage.ProcessId, Signals.Continue);
        }

        await Task.WhenAll(_stages.Select(stage => stage.DisposeAsync().AsTask()));
        await _server.DisposeAsync();
    }

    private async Task ReadUndisturbedAsync()
    {
        const string Cats = "\"prompt\": \"USER: How many legs do 3 cats have? ASSISTANT:\"";
        var common = $"\"max_tokens\": {Length}, \"ignore_eos\": true";
        var greedy = await ChaosStream.ReadAsync(_server.Http, $"{Cats}, {common}, \"temperature\": 0");

        // A string that comes late in the text ends it.
        var stop = System.Text.Json.JsonSerializer.Serialize(greedy.Text.Substring(greedy.Text.Length * 2 / 3, 12));
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
            _expected.Add((await ChaosStream.ReadAsync(_server.Http, request)).Content);
        }
    }

    private Task AwaitReadyAsync() =>
        WaitForAsync(async () => (await _server.Http.ReadAsync("/health/ready")).Status == HttpStatusCode.OK);

    private static async Task WaitForAsync(Func<Task<bool>> isSo)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await isSo())
        {
            Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(TimeSpan.FromMinutes(2)));
            await Task.Delay(100);
        }
    }
}
