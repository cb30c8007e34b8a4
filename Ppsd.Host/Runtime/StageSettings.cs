using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Runtime;

/// <summary>Where stages go and how much they may take.</summary>
internal sealed record StageSettings
{
    /// <summary>Devices that stages take in turn.</summary>
    public required IReadOnlyList<string> Devices { get; init; }

    /// <summary>Threads of a stage on the CPU.</summary>
    public required int Threads { get; init; }

    /// <summary>How a CUDA card holds keys and values.</summary>
    public KvType KvType { get; init; }

    /// <summary>Bytes of KV cache per stage; 0 lets the device choose.</summary>
    public long KvCacheBytes { get; init; }

    /// <summary>Stages that share each device, those of other processes among them; 0 for those of this process.</summary>
    public int DeviceShare { get; init; }

    /// <summary>Most prompt tokens of a step; 0 for what suits the device.</summary>
    public int PrefillChunk { get; init; }

    /// <summary>
    /// What of these settings changes the numbers, as <c>option=value</c>: nodes of a cluster must agree in it, and an answer's
    /// fingerprint tells it.
    /// </summary>
    public IReadOnlyList<string> Arithmetic =>
        [
            $"rope-frequencies={(RopeFrequencies == RopeFrequencies.Float32 ? "fp32" : "checkpoint")}",
            .. Devices.All(device => device == "cpu")
                ? Array.Empty<string>()
                : [$"kv-type={(KvType == KvType.Float32 ? "fp32" : "bf16")}"],
        ];

    /// <summary>Most candidates of a step, over all sessions; 0 for what suits the device.</summary>
    public int StepRows { get; init; }

    /// <summary>Most candidates of a step on a device: a card takes dozens in hardly more time than a few.</summary>
    public int StepRowsOn(string device) =>
        StepRows > 0 ? StepRows
        : device == "cpu" ? 16
        : 64;

    /// <summary>The device of a stage.</summary>
    /// <param name="stage">Its place, from 0.</param>
    public string DeviceOf(int stage) => Devices[stage % Devices.Count];

    /// <summary>Most of <paramref name="stageCount"/> stages that take the same device.</summary>
    public int LargestShare(int stageCount) =>
        Enumerable.Range(0, stageCount).GroupBy(DeviceOf).Max(stages => stages.Count());

    /// <summary>True where some of <paramref name="stageCount"/> stages take the same card.</summary>
    public bool SharesCards(int stageCount) =>
        Enumerable.Range(0, stageCount).GroupBy(DeviceOf).Any(stages => stages.Key != "cpu" && stages.Count() > 1);

    /// <summary>
    /// Most prompt tokens of a step on a device. A card takes hundreds of rows in hardly more time than dozens; the CPU
    /// computes row after row, and small chunks let other sessions in between.
    /// </summary>
    public int PrefillChunkOn(string device) =>
        PrefillChunk > 0 ? PrefillChunk
        : device == "cpu" ? 64
        : 512;

    /// <summary>How many of <paramref name="stageCount"/> stages of this process can work at the same time.</summary>
    public int ParallelStages(int stageCount) =>
        Devices.All(device => device == "cpu")
            ? Math.Clamp(Environment.ProcessorCount / Threads, 1, stageCount)
            : stageCount;

    /// <summary>
    /// How many of <paramref name="stageCount"/> steps run at the same time: on the CPU those of <see
    /// cref="ParallelStages"/>; a card does one after another, each as fast as its memory allows.
    /// </summary>
    public int StepsAtOnce(int stageCount) =>
        Devices.All(device => device == "cpu")
            ? ParallelStages(stageCount)
            : Enumerable.Range(0, stageCount).Select(DeviceOf).Distinct().Count();

    /// <summary>How exact the rotary embedding's frequencies are.</summary>
    public RopeFrequencies RopeFrequencies { get; init; }
}
