using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Ppsd.Actors.Remoting;

/// <summary>
/// What two nodes exchange on a new connection before anything else, TLS aside: hellos of 40 bytes, and where the cluster has a
/// secret a proof of it from either side, the client's first. A proof covers both hellos, whose nonces are new each time, and
/// the side it comes from, so that none can be used again. Fixed sizes: a peer that has proved nothing costs some hundred bytes.
/// Pure: the caller reads and writes.
/// </summary>
/// <remarks>
/// A hello: <c>PPSD</c>, the greeting's own version (1), flags (bit 0: this side has a secret), the wire version (uint16,
/// little-endian), a nonce of 32 bytes. A proof: HMAC-SHA-256. The server's answer to the client's proof: 1 and its own proof, or 33
/// zeros.
/// </remarks>
internal sealed class Greeting
{
    /// <summary>Version of the messages between nodes; nodes of different ones do not talk.</summary>
    public const ushort WireVersion = 4;

    /// <summary>Bytes of a hello.</summary>
    public const int HelloBytes = VersionsBytes + 32;

    /// <summary>Bytes of the server's answer to a proof.</summary>
    public const int AnswerBytes = 1 + ClusterSecret.ProofBytes;

    private const int VersionsBytes = 8;
    private const byte GreetingVersion = 1;
    private const byte HasSecret = 1;

    private readonly ClusterSecret? _secret;
    private readonly bool _isServer;
    private readonly byte[] _hello = new byte[HelloBytes];
    private readonly byte[] _statement = new byte[1 + (2 * HelloBytes)];

    private Greeting(ClusterSecret? secret, bool isServer, ushort wireVersion)
    {
        _secret = secret;
        _isServer = isServer;
        "PPSD"u8.CopyTo(_hello);
        _hello[4] = GreetingVersion;
        _hello[5] = secret is null ? (byte)0 : HasSecret;
        BinaryPrimitives.WriteUInt16LittleEndian(_hello.AsSpan(6), wireVersion);
        RandomNumberGenerator.Fill(_hello.AsSpan(VersionsBytes));
    }

    /// <summary>This side's hello.</summary>
    public ReadOnlyMemory<byte> Hello => _hello;

    /// <summary>The side that connects.</summary>
    public static Greeting OfClient(ClusterSecret? secret, ushort wireVersion = WireVersion) =>
        new(secret, isServer: false, wireVersion);

    /// <summary>The side that listens.</summary>
    public static Greeting OfServer(ClusterSecret? secret, ushort wireVersion = WireVersion) =>
        new(secret, isServer: true, wireVersion);

    /// <summary>False for bytes that no node of this program sends; they get no answer.</summary>
    public static bool IsHello(ReadOnlySpan<byte> hello) => hello.StartsWith("PPSD"u8);

    /// <summary>Takes the peer's hello.</summary>
    /// <returns>True when proofs are to follow.</returns>
    /// <exception cref="GreetingException">The two cannot talk; the message says why, of the peer.</exception>
    public bool Meet(ReadOnlySpan<byte> hello)
    {
        if (!IsHello(hello))
        {
            throw new GreetingException("is not a ppsd node");
        }

        if (hello[4] != GreetingVersion || !hello[6..VersionsBytes].SequenceEqual(_hello.AsSpan(6, 2)))
        {
            throw new GreetingException(
                $"speaks version {hello[4]}.{BinaryPrimitives.ReadUInt16LittleEndian(hello[6..])} of the protocol between nodes, this "
                    + $"node {GreetingVersion}.{BinaryPrimitives.ReadUInt16LittleEndian(_hello.AsSpan(6))}: run the same release of ppsd on both"
            );
        }

        if ((hello[5] & HasSecret) == 0 != _secret is null)
        {
            throw new GreetingException(
                _secret is null
                    ? "expects a cluster secret (--cluster-secret), this node has none"
                    : "has no cluster secret, this node has one (--cluster-secret)"
            );
        }

        (_isServer ? hello : _hello).CopyTo(_statement.AsSpan(1));
        (_isServer ? _hello : hello).CopyTo(_statement.AsSpan(1 + HelloBytes));
        return _secret is not null;
    }

    /// <summary>This side's proof.</summary>
    public byte[] Prove() => _secret!.Prove(Statement(_isServer));

    /// <summary>The server's answer to a client's proof.</summary>
    /// <param name="isRight">Whether the proof was right.</param>
    public byte[] Answer(bool isRight) => isRight ? [1, .. Prove()] : new byte[AnswerBytes];

    /// <summary>True when the peer has proved that it has the secret.</summary>
    public bool IsProof(ReadOnlySpan<byte> proof) => _secret!.IsProof(proof, Statement(!_isServer));

    /// <summary>Takes the server's answer.</summary>
    /// <exception cref="GreetingException">One of the two secrets is another one.</exception>
    public void TakeAnswer(ReadOnlySpan<byte> answer)
    {
        if (answer[0] != 1 || !IsProof(answer[1..]))
        {
            throw new GreetingException("has another cluster secret (--cluster-secret) than this node");
        }
    }

    private ReadOnlySpan<byte> Statement(bool ofServer)
    {
        _statement[0] = ofServer ? (byte)2 : (byte)1;
        return _statement;
    }
}

/// <summary>Two nodes cannot talk. The message goes on a sentence that begins with the peer's address.</summary>
internal sealed class GreetingException(string message, Exception? cause = null) : Exception(message, cause);
