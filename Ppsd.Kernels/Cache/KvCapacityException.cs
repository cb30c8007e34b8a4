namespace Ppsd.Kernels.Cache;

/// <summary>A sequence does not fit the KV cache; the message gives the needed and the available size.</summary>
public sealed class KvCapacityException : Exception
{
    /// <inheritdoc />
    public KvCapacityException(string message)
        : base(message) { }
}
