using System.Globalization;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Devices.Ilgpu;
using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Catalog;

/// <summary>Lists this machine's devices with the reason for unusable ones, and opens them.</summary>
public static class DeviceCatalog
{
    private const string CudaPrefix = "cuda:";

    /// <summary>All devices: the CPU, then CUDA cards, usable or not.</summary>
    public static IReadOnlyList<DeviceInfo> List()
    {
        var vectors = CpuBackend.HasWideVectors
            ? "512-bit vectors"
            : "no 512-bit vectors: the same numbers at about half the speed";
        var devices = new List<DeviceInfo>
        {
            new("cpu", $"{Environment.ProcessorCount} cores, {vectors}", Trouble: null),
        };
        var (count, trouble) = CudaDriver.CountDevices();
        if (trouble is not null)
        {
            devices.Add(new DeviceInfo("cuda", "NVIDIA cards", trouble));
            return devices;
        }

        devices.AddRange(Cards(count));
        return devices;
    }

    /// <summary>Apart, so that a machine without cards does not load what asks about them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<DeviceInfo> Cards(int count)
    {
        var devices = new List<DeviceInfo>();
        using var context = Context.Create(builder => IlgpuDevice.Configure(builder.Cuda()));
        var cards = context.GetCudaDevices();
        for (var i = 0; i < count; i++)
        {
            // ILGPU ends its list, silently, at the first device it cannot ask about.
            devices.Add(
                i < cards.Count
                    ? new DeviceInfo(
                        $"{CudaPrefix}{i}",
                        $"{cards[i].Name}, {cards[i].NumMultiprocessors} multiprocessors, {cards[i].MemorySize >> 30} GiB",
                        Trouble: null
                    )
                    : new DeviceInfo(
                        $"{CudaPrefix}{i}",
                        "NVIDIA card",
                        $"the driver lists {count} devices, but ILGPU accepts only {cards.Count}; a driver older than CUDA 11 or a card older than compute capability 3.0 is refused"
                    )
            );
        }

        return devices;
    }

    /// <summary>Memory of a device, what is used of it included; 0 for one that cannot be used. The CPU's is this machine's, or what its container leaves.</summary>
    public static long MemoryBytes(string name)
    {
        if (name == "cpu")
        {
            return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        }

        return Ask(name, card => card.MemorySize, 0);
    }

    /// <summary>Where a card is on its bus, as the driver writes it; null for the CPU and for a card that cannot be used.</summary>
    internal static string? BusIdOf(string name) =>
        name == "cpu" ? null : Ask(name, card => card.NVMLPCIBusId, (string?)null);

    /// <summary>Meaning of <c>auto</c>: all usable CUDA cards, or else the CPU.</summary>
    public static IReadOnlyList<string> Automatic()
    {
        var cards = List().Where(device => device.Name.StartsWith(CudaPrefix, StringComparison.Ordinal));
        var usable = cards.Where(device => device.Trouble is null).Select(device => device.Name).ToList();
        return usable.Count > 0 ? usable : ["cpu"];
    }

    private static T Ask<T>(string name, Func<CudaDevice, T> question, T otherwise)
    {
        var index = ParseCuda(name);
        var (count, trouble) = CudaDriver.CountDevices();
        if (trouble is not null || index >= count)
        {
            return otherwise;
        }

        using var context = Context.Create(builder => IlgpuDevice.Configure(builder.Cuda()));
        var cards = context.GetCudaDevices();
        return index < cards.Count ? question(cards[index]) : otherwise;
    }

    /// <summary>Opens a device for one stage.</summary>
    /// <param name="threads">Threads of the stage, when the device is the CPU.</param>
    /// <param name="kvType">How a CUDA card holds keys and values; the CPU holds fp32.</param>
    /// <param name="stageName">Names the stage's threads.</param>
    /// <exception cref="DeviceException">There is no such device, or it cannot be used; one line.</exception>
    public static Backend Open(string name, int threads, KvType kvType, string stageName)
    {
        if (name == "cpu")
        {
            return new CpuBackend(threads, stageName);
        }

        var index = ParseCuda(name);
        var (count, trouble) = CudaDriver.CountDevices();
        if (trouble is not null || index >= count)
        {
            throw new DeviceException($"device {name}: {trouble ?? $"the driver lists {count} devices, from cuda:0"}");
        }

        try
        {
            return new IlgpuBackend(IlgpuDevice.OpenCuda(index), kvType == KvType.BFloat16);
        }
        catch (Exception e) when (e is CudaException or ArgumentOutOfRangeException or NotSupportedException)
        {
            throw new DeviceException($"device {name}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>True for a name that <see cref="Open"/> understands, whether or not the device exists.</summary>
    public static bool IsName(string name) =>
        name == "cpu"
        || (
            name.StartsWith(CudaPrefix, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(CudaPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _)
        );

    private static int ParseCuda(string name) =>
        IsName(name)
            ? int.Parse(name.AsSpan(CudaPrefix.Length), CultureInfo.InvariantCulture)
            : throw new DeviceException($"device: expected cpu or cuda:N, found '{name}'");
}
