using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Akka.Serialization;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Links;

/// <summary>
/// A message on a direct link: the length of what follows (int32), the length of the manifest (one byte), the manifest,
/// and the message as remoting would send it. Only messages of the data path are taken.
/// </summary>
internal static class LinkFrame
{
    private const int LengthBytes = sizeof(int);

    /// <summary>As large as remoting takes: a chunk of 512 rows of 8192 fp32 values is 16 MiB.</summary>
    private const int MaxLength = 32 << 20;

    /// <summary>True for messages that may travel so: each is safe to lose, to repeat and to overtake any other kind.</summary>
    public static bool Carries(object message) => message is Forward or Credit or Verdicts or Drafts or Cancel;

    /// <summary>A message's bytes on the wire.</summary>
    public static byte[] Write(object message, SerializerWithStringManifest serializer)
    {
        var manifest = Encoding.ASCII.GetBytes(serializer.Manifest(message));
        var payload = serializer.ToBinary(message);
        var frame = GC.AllocateUninitializedArray<byte>(LengthBytes + 1 + manifest.Length + payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - LengthBytes);
        frame[LengthBytes] = (byte)manifest.Length;
        manifest.CopyTo(frame, LengthBytes + 1);
        payload.CopyTo(frame, LengthBytes + 1 + manifest.Length);
        return frame;
    }

    /// <summary>Waits for the next message; null when the peer has closed or sent what is none.</summary>
    public static object? Read(Socket socket, SerializerWithStringManifest serializer)
    {
        Span<byte> head = stackalloc byte[LengthBytes];
        if (
            !TryFill(socket, head)
            || BinaryPrimitives.ReadInt32LittleEndian(head) is not (> 1 and <= MaxLength and var length)
        )
        {
            return null;
        }

        var body = GC.AllocateUninitializedArray<byte>(length);
        if (!TryFill(socket, body) || 1 + body[0] > length)
        {
            return null;
        }

        var manifest = Encoding.ASCII.GetString(body, 1, body[0]);
        var message = serializer.FromBinary(body[(1 + body[0])..], manifest);
        return Carries(message) ? message : null;
    }

    /// <summary>Reads exactly so many bytes; false when the peer closes before.</summary>
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
