using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ppsd.Tests.Kernels.Checkpoints;

namespace Ppsd.Tests.Actors.Security;

/// <summary>A certificate authority and a node's certificate that it signed, as files in a folder; made anew each time.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TestCertificates()
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=test authority", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = authorityRequest.CreateSelfSigned(Start, End);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(authority, authority.NotBefore, authority.NotAfter, [1, 2, 3]);

        File.WriteAllText(Path.Combine(Folder, "ca.crt"), authority.ExportCertificatePem());
        File.WriteAllText(Path.Combine(Folder, "tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(Folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
    }

    public string Folder => _folder.FullPath;

    private static DateTimeOffset Start => TimeProvider.System.GetUtcNow().AddHours(-1);

    private static DateTimeOffset End => TimeProvider.System.GetUtcNow().AddHours(1);

    public void Dispose() => _folder.Dispose();
}
