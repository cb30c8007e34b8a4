using System.Globalization;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Ilgpu;

namespace Ppsd.Kernels.Catalog;

/// <summary>Opens devices to train heads on.</summary>
internal static class TrainingDeviceCatalog
{
    private const string CudaPrefix = "cuda:";

    /// <summary>Opens a device.</summary>
    /// <param name="name">A name that <see cref="DeviceCatalog.IsName"/> accepts.</param>
    /// <param name="threads">Threads, when it is the CPU.</param>
    /// <exception cref="DeviceException">There is no such device, or it cannot be used; one line.</exception>
    public static TrainingDevice Open(string name, int threads)
    {
        if (name == "cpu")
        {
            return new CpuTrainingDevice(threads);
        }

        var index = int.Parse(name.AsSpan(CudaPrefix.Length), CultureInfo.InvariantCulture);
        var (count, trouble) = CudaDriver.CountDevices();
        if (trouble is not null || index >= count)
        {
            throw new DeviceException($"device {name}: {trouble ?? $"the driver lists {count} devices, from cuda:0"}");
        }

        try
        {
            return new IlgpuTrainingDevice(IlgpuDevice.OpenCuda(index));
        }
        catch (Exception e) when (e is CudaException or ArgumentOutOfRangeException or NotSupportedException)
        {
            throw new DeviceException($"device {name}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
