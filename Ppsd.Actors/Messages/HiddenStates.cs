using System.Buffers;

namespace Ppsd.Actors.Messages;

/// <summary>
/// Hidden states on their way to the next stage, fp32, [candidates, hiddenSize], little-endian, in memory that is used
/// again. They have one owner at a time: ownership passes from the producing stage to the message to the receiver,
/// which releases them. Failing to release only costs a garbage collection.
/// </summary>
/// <remarks>Fresh memory for each hop would be most of what a token allocates, and collections stop all stages at once.</remarks>
public sealed class HiddenStates
{
    private readonly int _length;
    private byte[]? _bytes;
    private readonly bool _isRented;

    private HiddenStates(byte[] bytes, int length, bool isRented)
    {
        _bytes = bytes;
        _length = length;
        _isRented = isRented;
    }

    /// <summary>None: what the first stage starts from.</summary>
    public static HiddenStates None { get; } = Keep([]);

    /// <summary>Bytes.</summary>
    public int Length => _length;

    /// <summary>True for none.</summary>
    public bool IsEmpty => _length == 0;

    /// <summary>To read them.</summary>
    /// <exception cref="ObjectDisposedException">They were released: a mistake of the caller's, not of a peer's.</exception>
    public ReadOnlyMemory<byte> Memory => Bytes.AsMemory(0, _length);

    /// <summary>To write them, before they are sent.</summary>
    public Span<byte> Target => Bytes.AsSpan(0, _length);

    private byte[] Bytes => _bytes ?? throw new ObjectDisposedException(nameof(HiddenStates));

    /// <summary>Room for some bytes, with anything in it.</summary>
    public static HiddenStates Rent(int length) => new(ArrayPool<byte>.Shared.Rent(length), length, isRented: true);

    /// <summary>In memory of the caller's, which is not used again.</summary>
    public static HiddenStates Keep(byte[] bytes) => new(bytes, bytes.Length, isRented: false);

    /// <summary>Nobody will read them any more. A second call does nothing.</summary>
    public void Release()
    {
        if (_isRented && Interlocked.Exchange(ref _bytes, null) is { } bytes)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
