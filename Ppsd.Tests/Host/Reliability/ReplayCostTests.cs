using System.Diagnostics;
using Ppsd.Tests.Host.Api;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Reliability;

/// <summary>
/// What the death of a stage costs a text with a long prompt, when the stages that live keep what they have and when they do not.
/// Three stages, a spare and an API, each a process. Prints the rows of docs/reliability.md.
/// </summary>
[NonParallelizable]
public sealed class ReplayCostTests
{
    private const int Stages = 3;
    private const int Length = 60;
    private const int Kills = 3;

    [Test]
    [Explicit("measures, and takes minutes")]
    public async Task A_text_with_a_long_prompt_goes_on_with_and_without_memory_for_it()
    {
        var kept = await MeasureAsync(replayMemory: 1L << 28);
        var whole = await MeasureAsync(replayMemory: 0);

        Assert.That(kept.Select(cost => cost.Text), Is.EqualTo(whole.Select(cost => cost.Text)));
        Assert.That(kept.Max(cost => cost.SurvivorRows), Is.LessThan(600), "rows of a survivor");
        Assert.That(whole.Min(cost => cost.SurvivorRows), Is.GreaterThan(1000));
    }

    private static async Task<List<Cost>> MeasureAsync(long replayMemory)
    {
        await using var server = await ServerProcess.StartAsync("--cluster", "--stages", $"{Stages}");
        List<StageUnderTest> processes = [];
        try
        {
            for (var stage = 0; stage < Stages; stage++)
            {
                processes.Add(await StartAsync());
            }

            await ChaosReaders.WaitForAsync(async () =>
                (await CountsAsync(server)).Count == Stages ? null : "no pipeline"
            );
            var question = string.Concat(Enumerable.Repeat("USER: How many legs do 3 cats have? ASSISTANT: 12 ", 80));
            var request =
                $"\"prompt\": \"{question}USER: How many legs do 5 cats have? ASSISTANT:\", "
                + $"\"max_tokens\": {Length}, \"ignore_eos\": true, \"temperature\": 1, \"seed\": 1";
            var before = await CountAsync(server);
            var undisturbed = await ChaosStream.ReadAsync(server.Http, request);
            var usual = Rows(before, await CountAsync(server));
            List<Cost> costs = [];
            for (var stage = 1; stage <= Stages; stage++)
            {
                for (var kill = 0; kill < Kills; kill++)
                {
                    processes.Add(await StartAsync("--spare"));
                    await ChaosReaders.WaitForAsync(async () =>
                        (await server.Http.ReadAsync("/cluster")).Body.ToString().Contains(processes[^1].Address)
                            ? null
                            : "no spare"
                    );
                    costs.Add(await KillAsync(server, processes, stage, request, undisturbed, usual));
                }

                var own = costs[^Kills..];
                var pauses = own.Select(cost => cost.Pause.TotalSeconds).Order().ToList();
                await TestContext.Out.WriteLineAsync(
                    $"| stage {stage} | {replayMemory >> 20} MiB | {pauses[Kills / 2]:0.0} s | {pauses[^1]:0.0} s | "
                        + $"{own.Min(cost => cost.SurvivorRows)} to {own.Max(cost => cost.SurvivorRows)} | "
                        + $"{own.Min(cost => cost.NewRows)} to {own.Max(cost => cost.NewRows)} |"
                );
            }

            return costs;
        }
        finally
        {
            await Task.WhenAll(processes.Select(process => process.DisposeAsync().AsTask()));
        }

        Task<StageUnderTest> StartAsync(params string[] arguments) =>
            StageUnderTest.StartAsync(
                ["--seed-node", server.Node!, "--replay-memory", $"{replayMemory}", .. arguments],
                Stages
            );
    }

    /// <summary>Reads the text, kills a stage in the middle of it, and counts what the others computed.</summary>
    /// <param name="usual">Rows of each stage for the undisturbed text.</param>
    private static async Task<Cost> KillAsync(
        ServerProcess server,
        List<StageUnderTest> processes,
        int stage,
        string request,
        ChaosStream undisturbed,
        IReadOnlyList<long> usual
    )
    {
        var before = await CountAsync(server);
        var isTime = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var last = 0L;
        var pause = TimeSpan.Zero;
        var reading = ChaosStream.ReadAsync(
            server.Http,
            request,
            characters =>
            {
                // The wait for the first token is no pause.
                var gap = last == 0 || characters == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(last);
                last = characters == 0 ? 0 : Stopwatch.GetTimestamp();
                pause = gap > pause ? gap : pause;
                if (characters > undisturbed.Text.Length / 3)
                {
                    isTime.TrySetResult();
                }
            }
        );
        await isTime.Task.WaitAsync(TimeSpan.FromMinutes(3));
        var victim = processes.Find(process => process.Address == before[stage - 1].Node)!;
        victim.Kill();
        var stream = await reading;
        Assert.That(stream.Text, Is.EqualTo(undisturbed.Text));
        Assert.That(stream.Resumes, Is.GreaterThan(0), "the kill came after the text");
        await ServedPipeline.AssertNothingHeldAsync(server.Http);
        var after = await CountAsync(server);
        var more = Rows(before, after).Zip(usual, (rows, undisturbedRows) => rows - undisturbedRows).ToList();
        more.RemoveAt(stage - 1);
        return new Cost(stream.Text, pause, more.Max(), after[stage - 1].Rows);
    }

    private static List<long> Rows(List<StageCount> earlier, List<StageCount> later) =>
        [.. later.Zip(earlier, (after, before) => after.Rows - before.Rows)];

    /// <summary>
    /// What each stage has computed up to now: the server shows its last look at them, and a text is shorter than the time
    /// between two. The one after the next began after this call.
    /// </summary>
    private static async Task<List<StageCount>> CountAsync(ServerProcess server)
    {
        List<StageCount> counts = [];
        HashSet<double> looks = [];
        await ChaosReaders.WaitForAsync(async () =>
        {
            counts = await CountsAsync(server);
            if (counts.Count == Stages)
            {
                looks.Add(counts[0].UpMs);
            }

            return looks.Count > 2 && counts.Count == Stages
                ? null
                : $"{counts.Count} stages after {looks.Count} looks";
        });
        return counts;
    }

    private static async Task<List<StageCount>> CountsAsync(ServerProcess server) =>
        [
            .. (await server.Http.ReadAsync("/cluster"))
                .Body.GetProperty("stages")
                .EnumerateArray()
                .Where(stage => stage.GetProperty("answers").GetBoolean())
                .Select(stage => new StageCount(
                    stage.GetProperty("node").GetString()!,
                    stage.GetProperty("computed_rows").GetInt64(),
                    stage.GetProperty("up_ms").GetDouble()
                )),
        ];

    private sealed record StageCount(string Node, long Rows, double UpMs);

    /// <param name="SurvivorRows">Rows that the busiest survivor computed beyond those of an undisturbed text.</param>
    /// <param name="NewRows">Rows of the stage that took the dead one's place.</param>
    private sealed record Cost(string Text, TimeSpan Pause, long SurvivorRows, long NewRows);
}
