using System.Buffers.Binary;
using System.Text;
using Ppsd.Actors.Remoting;

namespace Ppsd.Tests.Support;

/// <summary>
/// Frames of Akka's remoting written by hand, so that a test can send what no actor system would: a length, then the
/// protobuf messages of WireFormats.proto.
/// </summary>
internal static class RemotingFrames
{
    /// <summary>What a node without a secret says first on a connection.</summary>
    public static ReadOnlyMemory<byte> Hello() => Greeting.OfClient(secret: null).Hello;

    /// <summary>Opens an association: AkkaProtocolMessage.instruction with a handshake.</summary>
    public static byte[] Associate(int originPort)
    {
        byte[] origin =
        [
            .. Text(1, "ppsd"),
            .. Text(2, "127.0.0.1"),
            .. Number(3, (ulong)originPort),
            .. Text(4, "akka.tcp"),
        ];
        byte[] handshake = [.. Bytes(1, origin), .. Fixed64(2, (ulong)originPort)];
        byte[] instruction = [.. Number(1, 1), .. Bytes(2, handshake)];
        return Frame(Bytes(2, instruction));
    }

    /// <summary>Carries a message to an actor: AkkaProtocolMessage.payload with an envelope.</summary>
    public static byte[] Message(string recipient, int serializerId, string manifest, byte[] payload) =>
        Frame(Content(recipient, serializerId, manifest, payload));

    /// <summary>As above, without the length before it.</summary>
    public static byte[] Content(string recipient, int serializerId, string manifest, byte[] payload)
    {
        byte[] message = [.. Bytes(1, payload), .. Number(2, (ulong)serializerId), .. Text(3, manifest)];
        byte[] envelope = [.. Bytes(1, Text(1, recipient)), .. Bytes(2, message), .. Fixed64(5, ulong.MaxValue)];
        return Bytes(1, Bytes(2, envelope));
    }

    private static byte[] Frame(byte[] content)
    {
        var frame = new byte[sizeof(int) + content.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, content.Length);
        content.CopyTo(frame, sizeof(int));
        return frame;
    }

    public static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    public static byte[] Bytes(int field, byte[] bytes) =>
        [.. Varint((ulong)(field << 3 | 2)), .. Varint((ulong)bytes.Length), .. bytes];

    public static byte[] Number(int field, ulong value) => [.. Varint((ulong)(field << 3)), .. Varint(value)];

    private static byte[] Fixed64(int field, ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return [.. Varint((ulong)(field << 3 | 1)), .. bytes];
    }

    private static List<byte> Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
        return bytes;
    }
}
