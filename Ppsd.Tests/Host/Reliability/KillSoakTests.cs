using System.Diagnostics;
using System.Globalization;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Reliability;

/// <summary>
/// A stage is killed every twenty seconds, and a spare started in its place, while six texts are read over and over: none ever
/// differs, and what lives through all of it does not grow. By name; ten minutes, or as many seconds as PPSD_TEST_SOAK_SECONDS says.
/// </summary>
[NonParallelizable] // It counts memory and threads of a busy server.
public sealed class KillSoakTests
{
    private const long NoiseBytes = 64 << 20;
    private const int NoiseHandles = 40;

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(20);

    private static TimeSpan Duration =>
        TimeSpan.FromSeconds(
            double.Parse(
                Environment.GetEnvironmentVariable("PPSD_TEST_SOAK_SECONDS") ?? "600",
                CultureInfo.InvariantCulture
            )
        );

    [Test]
    [Explicit("takes ten minutes")]
    public async Task Texts_stay_the_same_and_memory_flat_while_a_stage_is_killed_every_twenty_seconds(
        [Values(1)] int seed
    )
    {
        var random = new Random(seed);
        await using var cluster = await ChaosCluster.StartAsync();
        await cluster.AddStageAsync("--spare");
        var started = Stopwatch.GetTimestamp();
        var (kills, rounds) = (0, 0);
        var samples = new List<ProcessFigures>();
        while (Stopwatch.GetElapsedTime(started) < Duration)
        {
            var isTime = Stopwatch.GetElapsedTime(started) >= _interval * kills;
            var stage = 1 + random.Next(2);
            await cluster.DisturbAsync(
                isTime ? $"kill -9 of stage {stage}, a spare" : "nothing",
                share: 0.8 * random.NextDouble(),
                async () =>
                {
                    if (isTime)
                    {
                        (await cluster.HolderOfAsync(stage)).Kill();
                        await cluster.AddStageAsync("--spare");
                    }
                }
            );
            kills += isTime ? 1 : 0;
            rounds++;
            samples.Add(ProcessFigures.Of(cluster.ApiProcess));
        }

        await TestContext.Out.WriteLineAsync(
            $"{kills} kills, {6 * rounds} texts; the API's process: {samples[0]} at first, {samples[^1]} at last"
        );
        Assert.That(kills, Is.GreaterThanOrEqualTo(Duration / _interval / 2), "it was too slow to mean anything");

        // From when everything has been compiled and every buffer used.
        var (early, late) = (samples.Skip(samples.Count / 4).ToList(), samples.TakeLast(samples.Count / 4 + 1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                late.Min(sample => sample.MemoryBytes),
                Is.LessThan(early.Take(early.Count / 2 + 1).Max(sample => sample.MemoryBytes) + NoiseBytes)
            );
            Assert.That(late.Min(sample => sample.Handles), Is.LessThan(early[0].Handles + NoiseHandles));
            Assert.That(late.Min(sample => sample.Threads), Is.LessThan(early[0].Threads + NoiseHandles));
        }
    }
}
