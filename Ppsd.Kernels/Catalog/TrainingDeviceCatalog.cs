using System.Globalization;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Ilgpu;

namespace Ppsd.Kernels.Catalog;

/// <summary>Opens devices to train heads on.</summary>
internal static class TrainingDeviceCatalog
{
    private const string CpuName = "cpu";
    private const string CudaPrefix = "cuda:";

    /// <summary>Opens a device.</summary>
    /// <param name="name">A name that <see cref="DeviceCatalog.IsName"/> accepts.</param>
    /// <param name="threads">Threads, when it is the CPU.</param>
    /// <exception cref="DeviceException">There is no such device, or it cannot be used; one line.</exception>
    public static TrainingDevice Open(string name, int threads) =>
        name == CpuName ? new CpuTrainingDevice(threads) : new IlgpuTrainingDevice(OpenCard(name));

    /// <summary>What things take on a device, which need not be open.</summary>
    /// <param name="name">As in <see cref="Open"/>.</param>
    /// <param name="threads">Threads, when it is the CPU.</param>
    public static TrainingSizes SizesOf(string name, int threads) =>
        name == CpuName ? new CpuTrainingSizes(threads) : new IlgpuTrainingSizes();

    /// <summary>Bytes of a device's memory that nobody has taken.</summary>
    /// <param name="name">As in <see cref="Open"/>.</param>
    /// <exception cref="DeviceException">There is no such device, or it cannot be used; one line.</exception>
    public static long FreeBytesOf(string name)
    {
        if (name == CpuName)
        {
            return HostMemory.Read().FreeBytes;
        }

        using var device = OpenCard(name);
        return device.Memory.FreeBytes;
    }

    private static IlgpuDevice OpenCard(string name)
    {
        var index = int.Parse(name.AsSpan(CudaPrefix.Length), CultureInfo.InvariantCulture);
        var (count, trouble) = CudaDriver.CountDevices();
        if (trouble is not null || index >= count)
        {
            throw new DeviceException($"device {name}: {trouble ?? $"the driver lists {count} devices, from cuda:0"}");
        }

        try
        {
            return IlgpuDevice.OpenCuda(index);
        }
        catch (Exception e) when (e is CudaException or ArgumentOutOfRangeException or NotSupportedException)
        {
            throw new DeviceException($"device {name}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
