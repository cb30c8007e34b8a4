using System.Runtime.InteropServices;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// Zeroed native memory on a cache-line border, so that 64-byte vector loads never straddle two lines. Freed on
/// dispose; the finalizer is the safety net for a stage whose load failed half-way.
/// </summary>
internal sealed unsafe class AlignedMemory : IDisposable
{
    private const nuint Alignment = 64;

    /// <summary>Behind the last byte lies NaN in every type of weight: who reads too far gets no plausible number.</summary>
    private const int GuardBytes = 1024;

    private readonly MemoryTally? _tally;
    private void* _block;

    /// <param name="byteCount">Bytes.</param>
    /// <param name="tally">Counts them until they are freed.</param>
    public AlignedMemory(long byteCount, MemoryTally? tally = null)
    {
        ByteCount = byteCount;
        _tally = tally;

        // Large zeroed blocks come straight from the system and cost memory only once written, so a generous KV cache
        // is free until it is used; an aligned allocation cleared by hand would touch every page now.
        _block = NativeMemory.AllocZeroed((nuint)byteCount + Alignment + GuardBytes);
        Pointer = (void*)(((nuint)_block + Alignment - 1) & ~(Alignment - 1));
        new Span<byte>((byte*)Pointer + byteCount, GuardBytes).Fill(byte.MaxValue);
        tally?.Add(byteCount);
    }

    ~AlignedMemory() => Free();

    /// <summary>Size as asked for.</summary>
    public long ByteCount { get; }

    /// <summary>First byte; valid until disposed.</summary>
    public void* Pointer { get; private set; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_block is not null)
        {
            _tally?.Add(-ByteCount);
        }

        NativeMemory.Free(_block);
        _block = null;
        Pointer = null;
    }
}
