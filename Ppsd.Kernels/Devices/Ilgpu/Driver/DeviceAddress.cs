using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>Addresses that copies to shared memory take (<see cref="SharedCopy"/>).</summary>
internal static class DeviceAddress
{
    /// <summary>Where a view lies on the card; 0 on the simulator.</summary>
    public static long Of<T>(Accelerator accelerator, ArrayView<T> view)
        where T : unmanaged => accelerator is CudaAccelerator ? view.LoadEffectiveAddressAsPtr() : 0;
}
