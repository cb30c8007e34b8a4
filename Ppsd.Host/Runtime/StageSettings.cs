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

    /// <summary>Most prompt tokens of a step.</summary>
    public int PrefillChunk { get; init; } = 64;

    /// <summary>How many of <paramref name="stageCount"/> stages of this process can work at the same time.</summary>
    public int ParallelStages(int stageCount) =>
        Devices.All(device => device == "cpu")
            ? Math.Clamp(Environment.ProcessorCount / Threads, 1, stageCount)
            : stageCount;

    /// <summary>How exact the rotary embedding's frequencies are.</summary>
    public RopeFrequencies RopeFrequencies { get; init; }
}
