using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// Copies of whole stretches from device memory to a kernel's dynamic shared memory (cp.async.bulk, compute capability 9.0). One
/// thread begins a copy, the card does the rest and counts the bytes at a <see cref="SharedBarrier"/>. Only on a card: callers say
/// themselves what the simulator copies.
/// </summary>
internal static class BulkCopy
{
    /// <summary>Begins to copy a stretch.</summary>
    /// <param name="to">Address in shared memory, a multiple of 16.</param>
    /// <param name="from">Address in device memory, a multiple of 16.</param>
    /// <param name="bytes">How many, a multiple of 16.</param>
    /// <param name="barrier">Address of the barrier that counts the bytes.</param>
    public static void Begin(int to, long from, int bytes, int barrier) =>
        CudaAsm.Emit(
            "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];",
            to,
            from,
            bytes,
            barrier
        );

    /// <summary>
    /// Begins to copy a box of a tensor of four dimensions, of which the innermost is copied whole; what lies outside the
    /// tensor arrives as zeros.
    /// </summary>
    /// <param name="to">Address in shared memory, a multiple of 128.</param>
    /// <param name="map">Where the card finds the tensor's description (<see cref="Driver.TensorMap"/>).</param>
    /// <param name="second">Where the box begins in the second dimension from within.</param>
    /// <param name="third">In the third one.</param>
    /// <param name="fourth">In the outermost one.</param>
    /// <param name="barrier">Address of the barrier that counts the bytes.</param>
    public static void BeginBox(int to, long map, int second, int third, int fourth, int barrier) =>
        CudaAsm.Emit(
            "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], [%6];",
            to,
            map,
            0,
            second,
            third,
            fourth,
            barrier
        );

    /// <summary>Sees a tensor's description that the host has written; once, by the thread that copies.</summary>
    public static void AcquireMap(long map)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("fence.proxy.tensormap::generic.acquire.gpu [%0], 128;", map);
        }
    }
}
