using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;

namespace Ppsd.Actors.Links;

/// <summary>
/// A message on a direct link: the length of what follows (int32), the length of the manifest (one byte), the manifest,
/// and the message as remoting would send it. Only messages of the data path are taken. Both ends keep their buffers: a
/// fresh one for each message would touch memory that no cache holds, several times a hop.
/// </summary>
internal static class LinkFrame
{
    private const int LengthBytes = sizeof(int);

    /// <summary>As large as remoting takes: a chunk of 512 rows of 8192 fp32 values is 16 MiB.</summary>
    private const int MaxLength = 32 << 20;

    /// <summary>True for messages that may travel so: each is safe to lose, to repeat and to overtake any other kind.</summary>
    public static bool Carries(object message) => message is Forward or Credit or Verdicts or Drafts or Cancel;

    /// <summary>Writes a message as it travels, in place of what the buffer held.</summary>
    public static void Write(object message, WireSerializer serializer, ArrayBufferWriter<byte> buffer)
    {
        var manifest = serializer.Manifest(message);
        var headBytes = LengthBytes + 1 + manifest.Length;
        buffer.ResetWrittenCount();
        buffer.GetSpan(headBytes);
        buffer.Advance(headBytes);
        serializer.Write(message, buffer);
        var frame = MemoryMarshal.AsMemory(buffer.WrittenMemory).Span;
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - LengthBytes);
        frame[LengthBytes] = (byte)manifest.Length;
        Encoding.ASCII.GetBytes(manifest, frame[(LengthBytes + 1)..headBytes]);
    }

    /// <summary>True when a whole message has arrived, so that <see cref="Read"/> does not block.</summary>
    public static bool HasArrived(Socket socket)
    {
        var available = socket.Available;
        if (available < LengthBytes)
        {
            return false;
        }

        Span<byte> head = stackalloc byte[LengthBytes];
        return socket.Receive(head, SocketFlags.Peek) == LengthBytes
            && BinaryPrimitives.ReadInt32LittleEndian(head) <= available - LengthBytes;
    }

    /// <summary>
    /// Waits for the next message; null when the peer closed the connection or sent an invalid frame.
    /// </summary>
    /// <param name="serializer">Of the wire protocol.</param>
    /// <param name="buffer">Holds the bytes meanwhile; grows with the largest message and is kept for the next.</param>
    public static object? Read(Socket socket, WireSerializer serializer, ref byte[] buffer)
    {
        Span<byte> head = stackalloc byte[LengthBytes];
        if (
            !TryFill(socket, head)
            || BinaryPrimitives.ReadInt32LittleEndian(head) is not (> 1 and <= MaxLength and var length)
        )
        {
            return null;
        }

        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<byte>((int)BitOperations.RoundUpToPowerOf2((uint)length));
        }

        if (!TryFill(socket, buffer.AsSpan(0, length)) || 1 + buffer[0] > length)
        {
            return null;
        }

        var manifest = Encoding.ASCII.GetString(buffer, 1, buffer[0]);
        var message = serializer.FromBinary(buffer.AsMemory((1 + buffer[0])..length), manifest);
        return Carries(message) ? message : null;
    }

    /// <summary>Fills the buffer; false when the peer closes before that.</summary>
    public static bool TryFill(Socket socket, Span<byte> target)
    {
        while (target.Length > 0)
        {
            var read = socket.Receive(target);
            if (read == 0)
            {
                return false;
            }

            target = target[read..];
        }

        return true;
    }
}
