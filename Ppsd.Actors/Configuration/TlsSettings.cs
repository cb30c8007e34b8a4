using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;
using Ppsd.Actors.Hocon;
using Ppsd.Actors.Remoting;

namespace Ppsd.Actors.Configuration;

/// <summary>
/// TLS between nodes, HOCON section <c>ppsd.tls</c>: each node shows a certificate and lets in only peers whose
/// certificate an authority of its own file has signed. The system's own authorities do not count. Peers are known by
/// that authority, not by names: addresses of nodes change.
/// </summary>
public static class TlsSettings
{
    private const string Section = "ppsd.tls";

    /// <summary>True when TLS is enabled in the configuration.</summary>
    public static bool IsOn(Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Folder(config).Length > 0 || File(config, "certificate").Length > 0;
    }

    /// <summary>HOCON that switches it on.</summary>
    /// <param name="folder">Folder with <c>tls.crt</c>, <c>tls.key</c> and <c>ca.crt</c>, as Kubernetes mounts a secret; or null.</param>
    /// <param name="certificate">PEM file of the certificate, instead of the folder's.</param>
    /// <param name="key">PEM file of its key.</param>
    /// <param name="authority">PEM file of the authorities that peers are signed by.</param>
    public static string Hocon(string? folder, string? certificate, string? key, string? authority)
    {
        return Set("folder", folder) + Set("certificate", certificate) + Set("key", key) + Set("authority", authority);

        static string Set(string name, string? path) =>
            path is null ? "" : $"{Section}.{name} = {HoconText.Quoted(path)}\n";
    }

    /// <summary>The files that <see cref="Identity"/> reads, each with the setting of the section that names it.</summary>
    public static IEnumerable<(string Setting, string Path)> Files(Config config)
    {
        (string Name, string Standard)[] files = IsOn(config)
            ? [("certificate", "tls.crt"), ("key", "tls.key"), ("authority", "ca.crt")]
            : [];
        foreach (var (name, standard) in files)
        {
            var isOwn = File(config, name).Length > 0;
            if (isOwn || Folder(config).Length > 0)
            {
                yield return (isOwn ? name : "folder", Path(config, name, standard));
            }
        }
    }

    /// <summary>This node as its peers are to know it, with the cluster's secret; reads the files.</summary>
    /// <exception cref="ConfigurationException">A file is missing or is not what it should be; one line.</exception>
    internal static NodeIdentity Identity(Config config)
    {
        if (!IsOn(config))
        {
            return NodeIdentity.Open with { Secret = ClusterSecret.Of(config) };
        }

        var own = ReadCertificate(Path(config, "certificate", "tls.crt"), Path(config, "key", "tls.key"));
        var authorities = ReadAuthorities(Path(config, "authority", "ca.crt"));
        return new NodeIdentity(own, peer => FaultOf(peer, authorities), ClusterSecret.Of(config));
    }

    private static string? FaultOf(X509Certificate2? peer, X509Certificate2Collection authorities)
    {
        if (peer is null)
        {
            return "there is none";
        }

        using var chain = new X509Chain
        {
            ChainPolicy =
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            },
        };
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        return chain.Build(peer) ? null
            : chain.ChainStatus.Length > 0 ? $"'{peer.Subject}', {chain.ChainStatus[0].StatusInformation.Trim()}"
            : $"'{peer.Subject}'";
    }

    private static X509Certificate2 ReadCertificate(string certificate, string key) =>
        Read(
            $"{certificate} with {key}",
            () =>
            {
                using var pem = X509Certificate2.CreateFromPemFile(certificate, key);

                // As PKCS#12 the key is one that SslStream can use on every platform.
                return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
            }
        );

    private static X509Certificate2Collection ReadAuthorities(string path) =>
        Read(
            path,
            () =>
            {
                var authorities = new X509Certificate2Collection();
                authorities.ImportFromPemFile(path);
                return authorities.Count > 0
                    ? authorities
                    : throw new CryptographicException("expected at least one certificate in PEM form, found none");
            }
        );

    private static T Read<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"TLS: {what}: {e.Message}", e);
        }
    }

    private static string Path(Config config, string name, string standard)
    {
        var file = File(config, name);
        if (file.Length > 0)
        {
            return file;
        }

        var folder = Folder(config);
        return folder.Length > 0
            ? System.IO.Path.Combine(folder, standard)
            : throw new ConfigurationException($"TLS: expected certificate, key and authority, found no {name}");
    }

    private static string Folder(Config config) => File(config, "folder");

    private static string File(Config config, string name) => config.GetString($"{Section}.{name}", "") ?? "";
}
