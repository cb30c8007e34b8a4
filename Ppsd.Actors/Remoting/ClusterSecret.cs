using System.Security.Cryptography;
using System.Text;
using Akka.Configuration;
using Ppsd.Actors.Hocon;

namespace Ppsd.Actors.Remoting;

/// <summary>
/// The shared secret of a cluster's nodes, HOCON <c>ppsd.cluster.secret</c>. It is never sent: each side of a
/// connection proves that it has it, see <see cref="Greeting"/>.
/// </summary>
internal sealed class ClusterSecret
{
    /// <summary>Bytes of a proof.</summary>
    public const int ProofBytes = HMACSHA256.HashSizeInBytes;

    private const string Path = "ppsd.cluster.secret";

    /// <summary>Makes guessing expensive for an eavesdropper; takes some 30 ms once a process.</summary>
    private const int Iterations = 100_000;

    private readonly byte[] _key;

    private ClusterSecret(byte[] key) => _key = key;

    /// <summary>The secret of a configuration; null for none.</summary>
    public static ClusterSecret? Of(Config config) =>
        config.GetString(Path, "") is { Length: > 0 } text
            ? new ClusterSecret(
                Rfc2898DeriveBytes.Pbkdf2(
                    Encoding.UTF8.GetBytes(text),
                    "ppsd cluster"u8,
                    Iterations,
                    HashAlgorithmName.SHA256,
                    ProofBytes
                )
            )
            : null;

    /// <summary>HOCON that sets it; empty for null.</summary>
    public static string Hocon(string? secret) => secret is null ? "" : $"{Path} = {HoconText.Quoted(secret)}\n";

    /// <summary>The secret of one stage's direct links: the key that it gave its peers, and the cluster's secret if there is one.</summary>
    public static ClusterSecret OfLink(ReadOnlySpan<byte> linkKey, ClusterSecret? cluster) =>
        new(cluster is null ? linkKey.ToArray() : HMACSHA256.HashData(cluster._key, linkKey));

    /// <summary>The proof for these bytes.</summary>
    public byte[] Prove(ReadOnlySpan<byte> statement) => HMACSHA256.HashData(_key, statement);

    /// <summary>True for the right proof of these bytes; a wrong one takes as long.</summary>
    public bool IsProof(ReadOnlySpan<byte> proof, ReadOnlySpan<byte> statement) =>
        CryptographicOperations.FixedTimeEquals(proof, Prove(statement));
}
