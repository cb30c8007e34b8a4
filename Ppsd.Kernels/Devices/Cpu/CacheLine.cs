using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>The unit in which processors fetch memory.</summary>
internal static unsafe class CacheLine
{
    /// <summary>Bytes of a line; as many as of a <see cref="System.Runtime.Intrinsics.Vector512{T}"/>.</summary>
    public const int Bytes = 64;

    /// <summary>Asks for the line that holds an address. Any address will do, since nothing is read; a hint.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }
}
