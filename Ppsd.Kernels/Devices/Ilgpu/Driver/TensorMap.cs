using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>
/// A description of a tensor in device memory by which a card of compute capability 9.0 copies a box of it with one instruction
/// (CUtensorMap): https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TENSOR__MEMORY.html.
/// </summary>
internal static unsafe partial class TensorMap
{
    /// <summary>Bytes of a description; it lies on a multiple of 64.</summary>
    public const int Bytes = 128;

    private const string Library = "cuda";

    // CU_TENSOR_MAP_DATA_TYPE_UINT32 and CU_TENSOR_MAP_L2_PROMOTION_L2_256B.
    private const int Words = 2;
    private const int PromoteLines = 3;

    /// <summary>Describes a tensor of 32-bit words.</summary>
    /// <param name="address">Where it lies on the card, on a multiple of 16.</param>
    /// <param name="sizes">Of each dimension, the innermost first.</param>
    /// <param name="strides">Bytes from one to the next of each dimension but the innermost, multiples of 16.</param>
    /// <param name="box">What one copy takes of each dimension; past the sizes it reads zeros.</param>
    /// <typeparam name="T">Elements of the result, which divide its bytes.</typeparam>
    /// <exception cref="DeviceException">The driver refuses; one line.</exception>
    public static T[] Of<T>(
        long address,
        ReadOnlySpan<ulong> sizes,
        ReadOnlySpan<ulong> strides,
        ReadOnlySpan<uint> box
    )
        where T : unmanaged
    {
        const int Alignment = 64;
        Span<uint> steps = stackalloc uint[sizes.Length];
        steps.Fill(1);
        var map = NativeMemory.AlignedAlloc(Bytes, Alignment);
        try
        {
            fixed (
                ulong* sizesAt = sizes,
                    stridesAt = strides
            )
            fixed (
                uint* boxAt = box,
                    stepsAt = steps
            )
            {
                CudaDriver.Check(
                    cuTensorMapEncodeTiled(
                        map,
                        Words,
                        (uint)sizes.Length,
                        (void*)address,
                        sizesAt,
                        stridesAt,
                        boxAt,
                        stepsAt,
                        interleave: 0,
                        swizzle: 0,
                        PromoteLines,
                        outOfBounds: 0
                    ),
                    "describe weights for copies of boxes"
                );
            }

            return new ReadOnlySpan<T>(map, Bytes / Unsafe.SizeOf<T>()).ToArray();
        }
        finally
        {
            NativeMemory.AlignedFree(map);
        }
    }

#pragma warning disable IDE1006 // Names are the driver's own.
    [LibraryImport(Library)]
    private static partial int cuTensorMapEncodeTiled(
        void* map,
        int dataType,
        uint rank,
        void* address,
        ulong* sizes,
        ulong* strides,
        uint* box,
        uint* steps,
        int interleave,
        int swizzle,
        int promotion,
        int outOfBounds
    );
#pragma warning restore IDE1006
}
