using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>Device memory whose lack is said in words: which device, how much was asked for, how much was free.</summary>
internal static class DeviceAllocation
{
    /// <summary>Allocates elements of device memory, with whatever values.</summary>
    /// <param name="length">Elements.</param>
    /// <exception cref="DeviceException">The device has less; one line.</exception>
    public static MemoryBuffer1D<T, Stride1D.Dense> AllocateElements<T>(this Accelerator accelerator, long length)
        where T : unmanaged
    {
        try
        {
            var buffer = accelerator.Allocate1D<T>(length);
            AllocationList.Note(accelerator, buffer);
            return buffer;
        }
        catch (Exception e) when (IsLack(e))
        {
            throw Lack(accelerator, length * Interop.SizeOf<T>(), e);
        }
    }

    /// <summary>Allocates a copy of the host's values.</summary>
    /// <exception cref="DeviceException">The device has less; one line.</exception>
    public static MemoryBuffer1D<T, Stride1D.Dense> AllocateCopy<T>(this Accelerator accelerator, T[] values)
        where T : unmanaged
    {
        try
        {
            var buffer = accelerator.Allocate1D(values);
            AllocationList.Note(accelerator, buffer);
            return buffer;
        }
        catch (Exception e) when (IsLack(e))
        {
            throw Lack(accelerator, (long)values.Length * Interop.SizeOf<T>(), e);
        }
    }

    /// <summary>Free and total bytes of device memory; for the simulator those of the host.</summary>
    public static (long FreeBytes, long TotalBytes) MemoryOf(Accelerator accelerator)
    {
        if (accelerator is CudaAccelerator cuda)
        {
            return CudaDriver.Memory(cuda);
        }

        var memory = GC.GetGCMemoryInfo();
        return (memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes, memory.TotalAvailableMemoryBytes);
    }

    private static bool IsLack(Exception e) =>
        e is OutOfMemoryException or OverflowException
        || e is CudaException { Error: nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY) };

    private static DeviceException Lack(Accelerator accelerator, long bytes, Exception cause)
    {
        var (free, total) = MemoryOf(accelerator);
        return new DeviceException(
            FormattableString.Invariant(
                $"out of device memory on {accelerator.Name}: {Gibibytes(bytes)} GiB were asked for, {Gibibytes(free)} of {Gibibytes(total)} GiB are free"
            ),
            cause
        );
    }

    private static string Gibibytes(long bytes) => FormattableString.Invariant($"{bytes / (double)(1L << 30):0.00}");
}
