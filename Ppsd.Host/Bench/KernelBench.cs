using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Measurement;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Weights;

namespace Ppsd.Host.Bench;

/// <summary>What <see cref="KernelBench"/> measures.</summary>
/// <param name="Preset">Name of a synthetic model.</param>
/// <param name="Device">Name of a device.</param>
/// <param name="Threads">Threads, when it is the CPU.</param>
/// <param name="Layers">Layers of the whole steps; fewer than the model's for small devices.</param>
/// <param name="OperationsOnly">True to leave whole steps out.</param>
internal sealed record KernelBenchSettings(string Preset, string Device, int Threads, int Layers, bool OperationsOnly);

/// <summary>
/// Times the kernels of a decode step, and whole steps, against what the same device reads and copies in the same run.
/// </summary>
/// <param name="settings">What to measure.</param>
internal sealed class KernelBench(KernelBenchSettings settings)
{
    private const int PrefillLength = 512;
    private const int LongPrefillLength = 2048;
    private const int SessionContext = 256;
    private const int MostSessions = 64;
    private static readonly int[] _checkedWidths = [2, 3, 4, 5, 6, 7, 8, 9, 16, 33, 64];
    private static readonly string[] _operationColumns =
    [
        "operation",
        "shape",
        "width",
        "us",
        "GB/s",
        "of the read ceiling",
    ];

    private static readonly string[] _stepColumns =
    [
        "whole step",
        "width",
        "device ms",
        "wall ms",
        "GB/s",
        "of the read ceiling",
        "bytes allocated",
    ];

    /// <summary>Measures.</summary>
    public BenchReport Run()
    {
        var config = SyntheticPresets.Find(settings.Preset)! with { LayerCount = settings.Layers };
        using var backend = DeviceCatalog.Open(settings.Device, settings.Threads, KvType.BFloat16, "bench");
        (double Copy, double Read) ceilings;
        List<KernelTiming> operations;
        using (var measurement = new KernelMeasurement(backend, config))
        {
            ceilings = measurement.MeasureCeilings();
            operations = [.. measurement.Measure()];
        }

        var json = new JsonObject
        {
            ["bench"] = "kernels",
            ["model"] = settings.Preset,
            ["layers"] = settings.Layers,
            ["device"] = backend.Description,
            ["copyGigabytesPerSecond"] = Round(ceilings.Copy),
            ["readGigabytesPerSecond"] = Round(ceilings.Read),
            ["operations"] = JsonSerializer.SerializeToNode(operations),
        };
        var facts = new List<(string, string)>
        {
            ("copy, read + written", BenchReport.Invariant($"{ceilings.Copy:0} GB/s")),
            ("read of one big matrix", BenchReport.Invariant($"{ceilings.Read:0} GB/s")),
        };
        var tables = new List<BenchTable>
        {
            new(
                _operationColumns,
                [
                    .. operations.Select(timing =>
                        (IReadOnlyList<string>)
                            [
                                timing.Operation,
                                timing.Shape,
                                BenchReport.Invariant($"{timing.Width}"),
                                BenchReport.Invariant($"{timing.Microseconds:0.0}"),
                                BenchReport.Invariant($"{timing.GigabytesPerSecond:0}"),
                                BenchReport.Invariant($"{timing.GigabytesPerSecond / ceilings.Read:0.0%}"),
                            ]
                    ),
                ]
            ),
        };
        if (!settings.OperationsOnly)
        {
            tables.Add(MeasureSteps(backend, config, ceilings.Read, facts, json));
        }

        return new BenchReport
        {
            Setting = $"{settings.Preset}, {settings.Layers} layers, bf16, synthetic weights, on {backend.Description}",
            Tables = tables,
            Facts = facts,
            Json = json,
        };
    }

    private static BenchTable MeasureSteps(
        Backend backend,
        ModelConfig config,
        double readCeiling,
        List<(string Name, string Value)> facts,
        JsonObject json
    )
    {
        var start = Stopwatch.GetTimestamp();
        using var model = StageModelLoader.Load(
            backend,
            new StageModelOptions
            {
                Synthetic = new SyntheticWeights(),
                Config = config,
                FirstLayer = 0,
                LayerCount = config.LayerCount,
                KvCacheBytes =
                    2L
                    * config.LayerCount
                    * config.KvSize
                    * backend.KvElementBytes
                    * (config.MaxPositions + MostSessions * (SessionContext + StageModel.KvPageSize)),
                MaxRows = PrefillLength,
                MaxWidth = MostSessions,
            }
        );
        var loadMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        var kvBytes = 2L * config.LayerCount * config.KvSize * backend.KvElementBytes;
        var measurement = new StepMeasurement(model, config.VocabSize, kvBytes);
        var steps = new List<StepTiming>();
        foreach (var context in (int[])[512, config.MaxPositions - 8])
        {
            steps.AddRange(measurement.Measure(context, 1, 2, 4, 8));
        }

        List<StepTiming> sessions = [.. measurement.MeasureSessions(SessionContext, 1, 8, 16, 32, MostSessions)];

        var prefillMs = measurement.MeasurePrefillMs(PrefillLength);
        var longPrefillMs = measurement.MeasurePrefillMs(Math.Min(LongPrefillLength, config.MaxPositions));
        var cancelMs = measurement.MeasureCancelMs(512);
        var dependent = measurement.CountRowsThatDependOnWidth(300, _checkedWidths);
        var chunksAgree = measurement.PrefillIsIndependentOfChunks(300);
        facts.Add(("weights made in", BenchReport.Invariant($"{loadMs:0} ms")));
        facts.Add(($"prefill of {PrefillLength}", BenchReport.Invariant($"{prefillMs:0.0} ms")));
        facts.Add(($"prefill of {LongPrefillLength}", BenchReport.Invariant($"{longPrefillMs:0.0} ms")));
        facts.Add(("a step cancelled midway delays the next by", BenchReport.Invariant($"{cancelMs:0.000} ms")));
        facts.Add(
            ("rows whose bits depend on the width", BenchReport.Invariant($"{dependent} of {_checkedWidths.Sum()}"))
        );
        facts.Add(("prefill's bits depend on the chunking", chunksAgree ? "no" : "yes"));
        json["loadMs"] = Round(loadMs);
        json["steps"] = JsonSerializer.SerializeToNode(steps);
        json["cancelMs"] = Math.Round(cancelMs, 3);
        json["sessions"] = JsonSerializer.SerializeToNode(sessions);
        json["prefillMs"] = Round(prefillMs);
        json["longPrefillMs"] = Round(longPrefillMs);
        json["rowsThatDependOnWidth"] = dependent;
        json["prefillIsIndependentOfChunks"] = chunksAgree;
        return new BenchTable(
            _stepColumns,
            [
                .. steps
                    .Select(step => (Name: "context", Step: step))
                    .Concat(sessions.Select(step => (Name: "sessions, context", Step: step)))
                    .Select(timed => Row(timed.Name, timed.Step, readCeiling)),
            ]
        );
    }

    private static IReadOnlyList<string> Row(string name, StepTiming step, double readCeiling) =>
        [
            BenchReport.Invariant($"{name} {step.Context}"),
            BenchReport.Invariant($"{step.Width}"),
            BenchReport.Invariant($"{step.DeviceMs:0.000}"),
            BenchReport.Invariant($"{step.WallMs:0.000}"),
            BenchReport.Invariant($"{step.GigabytesPerSecond:0}"),
            BenchReport.Invariant($"{step.GigabytesPerSecond / readCeiling:0.0%}"),
            BenchReport.Invariant($"{step.AllocatedBytes}"),
        ];

    private static double Round(double value) => Math.Round(value, 2);
}
