using System.Globalization;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>The machine's memory, or a container's share of it.</summary>
internal static class HostMemory
{
    private const string LinuxFigures = "/proc/meminfo";

    /// <summary>What can still be allocated without swapping.</summary>
    public static DeviceMemory Read()
    {
        // What the runtime calls available is a container's limit, or all there is.
        var total = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var free = total - Environment.WorkingSet;
        if (File.Exists(LinuxFigures) && Available(File.ReadLines(LinuxFigures)) is { } available)
        {
            free = Math.Min(free, available);
        }

        return new DeviceMemory(Math.Max(0, free), total);
    }

    /// <summary>The figure among Linux's that counts caches as free; null where a kernel has none.</summary>
    internal static long? Available(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            if (
                line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["MemAvailable:", var number, ..]
                && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var kibibytes)
            )
            {
                return kibibytes << 10;
            }
        }

        return null;
    }
}
