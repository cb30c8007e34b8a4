namespace Ppsd.Kernels.Cache;

/// <summary>A sequence does not fit the KV cache; the message says how much it needs and how much there is.</summary>
public sealed class KvCapacityException : Exception
{
    /// <inheritdoc />
    public KvCapacityException(string message)
        : base(message) { }
}
