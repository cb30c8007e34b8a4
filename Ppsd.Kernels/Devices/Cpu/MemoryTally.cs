namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>Bytes that some user of the host's memory has allocated and not freed; for any thread.</summary>
internal sealed class MemoryTally
{
    private long _bytes;

    /// <summary>Bytes now.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Notes an allocation, or with a negative number that it was freed.</summary>
    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);
}
