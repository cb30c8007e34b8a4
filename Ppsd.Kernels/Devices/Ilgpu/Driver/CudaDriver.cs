using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>The few calls of the CUDA driver that ILGPU does not bind.</summary>
internal static partial class CudaDriver
{
    private const string Library = "cuda";
    private const int Success = 0;
    private static readonly Lock _lock = new();
    private const string NoDriver = "no CUDA driver is installed (libcuda.so.1 was not found)";

    private static readonly Lazy<(int Count, string? Trouble)> _devices = new(AskForDevices);
    private static bool _resolved;

    /// <summary>
    /// Makes ILGPU find the driver: it loads <c>libcuda.so</c>, which only developer packages install; without the
    /// versioned name it would silently see no device. Call before the first context.
    /// </summary>
    public static void ResolveLibraries()
    {
        lock (_lock)
        {
            if (_resolved)
            {
                return;
            }

            _resolved = true;
            NativeLibrary.SetDllImportResolver(typeof(CudaDriver).Assembly, Resolve);
            try
            {
                NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, Resolve);
            }
            catch (InvalidOperationException)
            {
                // ILGPU sets a resolver of its own under WSL, which knows where the driver is there.
            }
        }
    }

    /// <summary>Free and total bytes of device memory.</summary>
    public static (long FreeBytes, long TotalBytes) Memory(CudaAccelerator accelerator)
    {
        accelerator.Bind();
        return cuMemGetInfo_v2(out var free, out var total) == Success ? ((long)free, (long)total) : (0, 0);
    }

    /// <summary>Throws for a call that failed.</summary>
    /// <exception cref="DeviceException">The driver's error, in one line.</exception>
    public static void Check(int result, string what)
    {
        if (result != Success)
        {
            throw new DeviceException($"CUDA: could not {what}: {Describe(result)}");
        }
    }

    /// <summary>True when a stream has done all that was queued.</summary>
    /// <exception cref="DeviceException">Something queued has failed; one line.</exception>
    public static bool IsIdle(nint stream)
    {
        const int NotReady = 600;
        var result = cuStreamQuery(stream);
        if (result != NotReady)
        {
            Check(result, "run the step");
        }

        return result != NotReady;
    }

    /// <summary>Number of CUDA devices, or why they cannot be used, in one line. Asked once a process.</summary>
    public static (int Count, string? Trouble) CountDevices() => _devices.Value;

    private static (int Count, string? Trouble) AskForDevices()
    {
        // Finding out by an exception takes as long as all else of it.
        if (OperatingSystem.IsLinux() && !NativeLibrary.TryLoad("libcuda.so.1", out _))
        {
            return (0, NoDriver);
        }

        ResolveLibraries();
        try
        {
            var initialised = cuInit(0);
            if (initialised != Success)
            {
                return (0, $"the CUDA driver does not start: {Describe(initialised)}");
            }

            var counted = cuDeviceGetCount(out var count);
            if (counted != Success)
            {
                return (0, $"the CUDA driver does not list its devices: {Describe(counted)}");
            }

            return count == 0 ? (0, "the CUDA driver sees no device") : (count, null);
        }
        catch (DllNotFoundException)
        {
            return (0, NoDriver);
        }
    }

    /// <summary>The lowest major compute capability of the machine's cards; the target card's where there is none.</summary>
    public static int LowestComputeMajor()
    {
        const int ComputeCapabilityMajor = 75;
        const int TargetMajor = 9;
        var lowest = int.MaxValue;
        for (var i = 0; i < CountDevices().Count; i++)
        {
            if (cuDeviceGet(out var device, i) == Success)
            {
                _ = cuDeviceGetAttribute(out var major, ComputeCapabilityMajor, device);
                lowest = Math.Min(lowest, major);
            }
        }

        return lowest == int.MaxValue ? TargetMajor : lowest;
    }

    /// <summary>Dynamic shared memory a kernel of the current device may ask for, beyond what it declares, in bytes.</summary>
    /// <param name="device">CUDA ordinal.</param>
    public static int SharedMemoryLimit(int device)
    {
        const int MaxSharedMemoryPerBlockOptin = 97;
        Check(cuDeviceGet(out var handle, device), "open device");
        Check(cuDeviceGetAttribute(out var bytes, MaxSharedMemoryPerBlockOptin, handle), "ask for shared memory");
        return bytes;
    }

    /// <summary>Lets a kernel have more dynamic shared memory than the 48 KiB that need no asking.</summary>
    /// <exception cref="DeviceException">The card has less; one line.</exception>
    public static void AllowSharedMemory(CudaKernel kernel, int bytes)
    {
        const int MaxDynamicSharedSizeBytes = 8;
        Check(
            cuFuncSetAttribute(kernel.FunctionPtr, MaxDynamicSharedSizeBytes, bytes),
            $"give a kernel {bytes} bytes of shared memory"
        );
    }

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == Library && OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libcuda.so.1", out var handle)
            ? handle
            : IntPtr.Zero;

    private static string Describe(int error) =>
        cuGetErrorName(error, out var text) == Success
            ? $"{Marshal.PtrToStringUTF8(text)} ({error})"
            : $"error {error}";

#pragma warning disable IDE1006 // Names are the driver's own.
    [LibraryImport(Library)]
    private static partial int cuInit(uint flags);

    [LibraryImport(Library)]
    private static partial int cuDeviceGetCount(out int count);

    [LibraryImport(Library)]
    private static partial int cuDeviceGet(out int device, int ordinal);

    [LibraryImport(Library)]
    private static partial int cuDeviceGetAttribute(out int value, int attribute, int device);

    [LibraryImport(Library)]
    private static partial int cuFuncSetAttribute(nint function, int attribute, int value);

    [LibraryImport(Library)]
    private static partial int cuStreamQuery(nint stream);

    [LibraryImport(Library)]
    private static partial int cuGetErrorName(int error, out IntPtr text);

    [LibraryImport(Library)]
    private static partial int cuMemGetInfo_v2(out nuint free, out nuint total);
#pragma warning restore IDE1006
}
