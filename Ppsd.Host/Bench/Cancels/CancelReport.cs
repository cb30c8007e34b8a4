using System.Text.Json.Nodes;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Bench.Cancels;

/// <summary>The cancel benchmark's report.</summary>
/// <param name="result">All cancels.</param>
internal sealed class CancelReport(CancelBenchResult result)
{
    /// <summary>The report.</summary>
    public BenchReport Create()
    {
        var settings = result.Settings;
        var setting = Invariant(
            $"{settings.QueueLength} micro-batches queued, each {settings.Layers} layers of {settings.LayerMs} ms; {settings.Trials} cancels, one process, {Environment.ProcessorCount} cores"
        );
        return new BenchReport
        {
            Setting = setting,
            Tables =
            [
                new BenchTable(
                    ["", "median, ms", "p99, ms"],
                    [Row("cancel to effect", result.EffectMs), Row("cancel to the new run", result.RestartMs)]
                ),
            ],
            Facts =
            [
                ("stale", Invariant($"{result.StaleSteps} dead micro-batches started after a cancel")),
                ("queue", Invariant($"a cancel in line behind the queue would wait {result.QueueMs:0.0} ms")),
            ],
            Json = new JsonObject
            {
                ["setting"] = setting,
                ["effect_ms"] = result.EffectMs(0.5),
                ["effect_ms_p99"] = result.EffectMs(0.99),
                ["restart_ms"] = result.RestartMs(0.5),
                ["restart_ms_p99"] = result.RestartMs(0.99),
                ["stale_steps"] = result.StaleSteps,
                ["queue_ms"] = result.QueueMs,
            },
        };
    }

    private static IReadOnlyList<string> Row(string name, Func<double, double> quantile) =>
        [name, Invariant($"{quantile(0.5):0.000}"), Invariant($"{quantile(0.99):0.000}")];
}
