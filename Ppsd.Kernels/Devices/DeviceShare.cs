namespace Ppsd.Kernels.Devices;

/// <summary>
/// The stages that share a device, in this process and in others. What is left of its memory after the weights of all of
/// them is divided as their caches grow with a token, so that all hold as many tokens: a pipeline holds what its smallest
/// stage does. It is worked out beforehand, so it does not matter which stage loads first. Pure.
/// </summary>
/// <param name="Stages">Number of stages.</param>
/// <param name="WeightBytes">Weights of all of them, as the checkpoint holds them.</param>
/// <param name="ScratchBytes">What they take beside weights and caches.</param>
/// <param name="KvValuesPerToken">Keys and values of one token over all of them.</param>
/// <param name="IsAmongProcesses">True when some are in other processes, which may have loaded before or not.</param>
public sealed record DeviceShare(
    int Stages,
    long WeightBytes,
    long ScratchBytes,
    long KvValuesPerToken,
    bool IsAmongProcesses
)
{
    /// <summary>A process's own hold on a card: the driver's context and the code of the kernels.</summary>
    private const long ProcessBytes = 640L << 20;

    /// <summary>What one of the stages may take for its KV cache; 0 when the weights leave nothing.</summary>
    /// <param name="kvValuesPerToken">Keys and values of one token in that stage.</param>
    /// <param name="memory">The device's memory.</param>
    internal long KvCacheBytes(long kvValuesPerToken, DeviceMemory memory)
    {
        // Among processes, what is free depends on who came first.
        var room = IsAmongProcesses ? memory.TotalBytes - Stages * ProcessBytes : memory.FreeBytes;

        // Devices pad weights to whole tiles, and other users of the device need some memory.
        var left = room - WeightBytes - WeightBytes / 32 - ScratchBytes;
        return Math.Max(0, (long)(left * 0.9 * kvValuesPerToken / KvValuesPerToken));
    }
}
