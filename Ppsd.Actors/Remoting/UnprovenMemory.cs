namespace Ppsd.Actors.Remoting;

/// <summary>
/// Limit on the memory for incomplete frames of unproven peers, for all of them together. Thread-safe.
/// </summary>
internal sealed class UnprovenMemory(long maxBytes)
{
    private long _bytes;

    /// <summary>Bytes held now.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Reserves bytes; false when they would exceed the limit.</summary>
    public bool TryReserve(int bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= maxBytes)
        {
            return true;
        }

        Release(bytes);
        return false;
    }

    /// <summary>Returns reserved bytes.</summary>
    public void Release(int bytes) => Interlocked.Add(ref _bytes, -bytes);
}
