namespace Ppsd.Kernels.Devices;

/// <summary>Shape of one layer's keys or values in the pool: [slots, kvHeads, headSize].</summary>
/// <param name="SlotCount">Token slots in the pool.</param>
/// <param name="KvHeadCount">Key/value heads.</param>
/// <param name="HeadSize">Values per head.</param>
internal readonly record struct KvShape(int SlotCount, int KvHeadCount, int HeadSize);

/// <summary>
/// The keys and values of one layer for every slot of the stage's pool, in a device's memory. Which slot belongs to
/// which token is <see cref="Cache.SequenceCache"/>'s business.
/// </summary>
internal abstract class KvMemory(KvShape shape) : IDisposable
{
    /// <summary>Shape of the keys, and of the values.</summary>
    public KvShape Shape { get; } = shape;

    /// <inheritdoc />
    public abstract void Dispose();
}
