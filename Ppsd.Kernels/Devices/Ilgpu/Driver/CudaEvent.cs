using System.Runtime.InteropServices;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>A mark in a stream that the host can look for, with the time at which the device passed it.</summary>
internal sealed partial class CudaEvent : IDisposable
{
    private const string Library = "cuda";
    private const int NotReady = 600;

    private readonly nint _handle;

    /// <summary>The device's driver context must be bound to this thread.</summary>
    public CudaEvent() => CudaDriver.Check(cuEventCreate(out _handle, 0), "create event");

    /// <summary>True when the device has passed the last mark.</summary>
    public bool IsReached
    {
        get
        {
            var result = cuEventQuery(_handle);
            if (result != NotReady)
            {
                CudaDriver.Check(result, "run the step");
            }

            return result != NotReady;
        }
    }

    /// <summary>Puts the mark behind all that was queued.</summary>
    public void Record(nint stream) => CudaDriver.Check(cuEventRecord(_handle, stream), "record event");

    /// <summary>Waits for the mark.</summary>
    public void Wait()
    {
        while (!IsReached)
        {
            Thread.SpinWait(8);
        }
    }

    /// <summary>Milliseconds from an earlier mark to this one; both must be reached.</summary>
    public double MsSince(CudaEvent earlier) => cuEventElapsedTime(out var ms, earlier._handle, _handle) == 0 ? ms : 0;

    public void Dispose() => _ = cuEventDestroy_v2(_handle);

#pragma warning disable IDE1006 // Names are the driver's own.
    [LibraryImport(Library)]
    private static partial int cuEventCreate(out nint handle, uint flags);

    [LibraryImport(Library)]
    private static partial int cuEventRecord(nint handle, nint stream);

    [LibraryImport(Library)]
    private static partial int cuEventQuery(nint handle);

    [LibraryImport(Library)]
    private static partial int cuEventElapsedTime(out float ms, nint start, nint end);

    [LibraryImport(Library)]
    private static partial int cuEventDestroy_v2(nint handle);
#pragma warning restore IDE1006
}
