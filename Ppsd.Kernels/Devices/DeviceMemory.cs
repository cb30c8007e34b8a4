namespace Ppsd.Kernels.Devices;

/// <summary>Memory of a device, in bytes.</summary>
/// <param name="FreeBytes">Free bytes when this process opened the device.</param>
/// <param name="TotalBytes">All there is.</param>
internal readonly record struct DeviceMemory(long FreeBytes, long TotalBytes);
