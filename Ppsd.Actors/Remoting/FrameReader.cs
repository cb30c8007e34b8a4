using System.Buffers;
using System.Buffers.Binary;

namespace Ppsd.Actors.Remoting;

/// <summary>
/// Reads frames, each after its length (int32, little-endian). The length that an unproven peer announces is not
/// allocated in advance: its frame grows as it arrives, within a limit for all such peers together.
/// </summary>
/// <param name="maxFrameBytes">Longest frame.</param>
/// <param name="memory">Memory limit for unproven peers.</param>
/// <param name="isProven">Whether the peer has proved that it belongs here; called for long frames only.</param>
internal sealed class FrameReader(Stream stream, int maxFrameBytes, UnprovenMemory memory, Func<bool> isProven)
{
    /// <summary>Frames up to here are not counted: the buffer holds them.</summary>
    public const int ShortBytes = 16 << 10;

    private const int LengthBytes = sizeof(int);
    private const int PieceBytes = 64 << 10;
    private readonly byte[] _buffer = new byte[LengthBytes + ShortBytes];
    private int _first;
    private int _end;

    /// <summary>The next frame, in memory of its own; null when the peer has closed between two.</summary>
    /// <exception cref="InvalidDataException">The peer sent what cannot be a frame, or too much.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<byte[]?> ReadAsync(CancellationToken cancellation)
    {
        if (!await TryFillAsync(LengthBytes, cancellation).ConfigureAwait(false))
        {
            return _end == _first ? null : throw new InvalidDataException("the connection ended within a frame");
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(_first));
        if (length <= 0 || length > maxFrameBytes)
        {
            throw new InvalidDataException($"frame length: expected 1 to {maxFrameBytes} bytes, found {length}");
        }

        _first += LengthBytes;
        if (length > ShortBytes)
        {
            return isProven()
                ? await ReadLongAsync(length, cancellation).ConfigureAwait(false)
                : await ReadGrowingAsync(length, cancellation).ConfigureAwait(false);
        }

        if (!await TryFillAsync(length, cancellation).ConfigureAwait(false))
        {
            throw new InvalidDataException("the connection ended within a frame");
        }

        var frame = _buffer.AsSpan(_first, length).ToArray();
        _first += length;
        return frame;
    }

    private async Task<byte[]> ReadLongAsync(int length, CancellationToken cancellation)
    {
        var frame = GC.AllocateUninitializedArray<byte>(length);
        var read = TakeBuffered(frame);
        await ReadExactlyAsync(frame.AsMemory(read), cancellation).ConfigureAwait(false);
        return frame;
    }

    /// <summary>Reads in reused pieces: one growing buffer would leave each smaller one as garbage.</summary>
    private async Task<byte[]> ReadGrowingAsync(int length, CancellationToken cancellation)
    {
        var pieces = new List<byte[]>();
        try
        {
            for (var read = 0; read < length; read += PieceBytes)
            {
                if (!memory.TryReserve(PieceBytes))
                {
                    throw new InvalidDataException("peers that have proved nothing hold too much memory already");
                }

                var piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
                pieces.Add(piece);
                var wanted = piece.AsMemory(0, Math.Min(PieceBytes, length - read));
                await ReadExactlyAsync(wanted[TakeBuffered(wanted.Span)..], cancellation).ConfigureAwait(false);
            }

            var frame = GC.AllocateUninitializedArray<byte>(length);
            for (var i = 0; i < pieces.Count; i++)
            {
                var target = frame.AsSpan(i * PieceBytes);
                pieces[i].AsSpan(0, Math.Min(PieceBytes, target.Length)).CopyTo(target);
            }

            return frame;
        }
        finally
        {
            foreach (var piece in pieces)
            {
                ArrayPool<byte>.Shared.Return(piece);
            }

            memory.Release(pieces.Count * PieceBytes);
        }
    }

    private int TakeBuffered(Span<byte> frame)
    {
        var taken = Math.Min(frame.Length, _end - _first);
        _buffer.AsSpan(_first, taken).CopyTo(frame);
        _first += taken;
        return taken;
    }

    private async ValueTask ReadExactlyAsync(Memory<byte> target, CancellationToken cancellation)
    {
        if (
            await stream
                .ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellation)
                .ConfigureAwait(false) < target.Length
        )
        {
            throw new InvalidDataException("the connection ended within a frame");
        }
    }

    /// <summary>Reads until the buffer holds this many bytes; false when the peer closed before that.</summary>
    private async ValueTask<bool> TryFillAsync(int bytes, CancellationToken cancellation)
    {
        while (_end - _first < bytes)
        {
            if (_first > 0)
            {
                _buffer.AsSpan(_first, _end - _first).CopyTo(_buffer);
                _end -= _first;
                _first = 0;
            }

            var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellation).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }

            _end += read;
        }

        return true;
    }
}
