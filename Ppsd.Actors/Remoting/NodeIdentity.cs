using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Ppsd.Actors.Remoting;

/// <summary>How this node proves itself to others and they to it: TLS if there is any, then the <see cref="Greeting"/>.</summary>
/// <param name="Certificate">Of this node; null without TLS.</param>
/// <param name="FindFault">What is wrong with a peer's certificate; null when it is trusted.</param>
/// <param name="Secret">The cluster's secret; null without.</param>
internal sealed record NodeIdentity(
    X509Certificate2? Certificate,
    Func<X509Certificate2?, string?> FindFault,
    ClusterSecret? Secret
)
{
    /// <summary>Neither TLS nor a secret.</summary>
    public static NodeIdentity Open { get; } = new(null, _ => null, null);

    /// <summary>Whether a peer that gets in has proved that it belongs here.</summary>
    public bool ProvesPeers => Certificate is not null || Secret is not null;

    /// <summary>Authenticates a connection that this node has opened.</summary>
    /// <param name="host">The host it leads to.</param>
    /// <returns>The stream to use from now on; owns the socket.</returns>
    /// <exception cref="GreetingException">The two cannot talk; the message says why, of the peer.</exception>
    public async Task<Stream> GreetAsync(Socket socket, string host, CancellationToken cancellation)
    {
        var stream = await SecureAsync(socket, host, cancellation).ConfigureAwait(false);
        var greeting = Greeting.OfClient(Secret);
        var answer = new byte[Math.Max(Greeting.HelloBytes, Greeting.AnswerBytes)];
        try
        {
            await stream.WriteAsync(greeting.Hello, cancellation).ConfigureAwait(false);
            await stream.ReadExactlyAsync(answer.AsMemory(0, Greeting.HelloBytes), cancellation).ConfigureAwait(false);
            if (greeting.Meet(answer.AsSpan(0, Greeting.HelloBytes)))
            {
                await stream.WriteAsync(greeting.Prove(), cancellation).ConfigureAwait(false);
                await stream
                    .ReadExactlyAsync(answer.AsMemory(0, Greeting.AnswerBytes), cancellation)
                    .ConfigureAwait(false);
                greeting.TakeAnswer(answer.AsSpan(0, Greeting.AnswerBytes));
            }

            return stream;
        }
        catch (IOException e)
        {
            // With TLS 1.3 the peer checks this side's certificate after the handshake has ended here.
            throw new GreetingException(
                Certificate is null
                    ? "closed the connection: it is not a ppsd node, or speaks TLS (--tls)"
                    : Refused(e),
                e
            );
        }
    }

    /// <summary>Authenticates a connection that this node has accepted.</summary>
    public async Task<Stream> ReceiveAsync(Socket socket, CancellationToken cancellation)
    {
        var stream = await SecureAsync(socket, host: null, cancellation).ConfigureAwait(false);
        var greeting = Greeting.OfServer(Secret);
        var hello = new byte[Greeting.HelloBytes];
        await stream.ReadExactlyAsync(hello, cancellation).ConfigureAwait(false);
        if (!Greeting.IsHello(hello))
        {
            throw new GreetingException("is not a ppsd node, or speaks TLS and this node does not");
        }

        await stream.WriteAsync(greeting.Hello, cancellation).ConfigureAwait(false);
        if (greeting.Meet(hello))
        {
            var proof = new byte[ClusterSecret.ProofBytes];
            await stream.ReadExactlyAsync(proof, cancellation).ConfigureAwait(false);
            var isRight = greeting.IsProof(proof);
            await stream.WriteAsync(greeting.Answer(isRight), cancellation).ConfigureAwait(false);
            if (!isRight)
            {
                throw new GreetingException("has another cluster secret than this node");
            }
        }

        return stream;
    }

    private async Task<Stream> SecureAsync(Socket socket, string? host, CancellationToken cancellation)
    {
        var plain = new NetworkStream(socket, ownsSocket: true);
        if (Certificate is null)
        {
            return plain;
        }

        string? fault = null;
        var secure = new SslStream(
            plain,
            leaveInnerStreamOpen: false,
            (_, peer, _, _) => (fault = FindFault(peer as X509Certificate2)) is null
        );
        try
        {
            if (host is null)
            {
                await secure
                    .AuthenticateAsServerAsync(
                        new SslServerAuthenticationOptions
                        {
                            ServerCertificate = Certificate,
                            ClientCertificateRequired = true,
                            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                        },
                        cancellation
                    )
                    .ConfigureAwait(false);
            }
            else
            {
                await secure
                    .AuthenticateAsClientAsync(
                        new SslClientAuthenticationOptions
                        {
                            TargetHost = host,
                            ClientCertificates = [Certificate],
                            LocalCertificateSelectionCallback = (_, _, _, _, _) => Certificate,
                            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                        },
                        cancellation
                    )
                    .ConfigureAwait(false);
            }

            return secure;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw new GreetingException(
                fault is not null ? $"shows a certificate that this node refuses: {fault}" : Refused(e),
                e
            );
        }
    }

    private static string Refused(Exception e) =>
        $"refused this node's certificate, or speaks no TLS: {(e.InnerException ?? e).Message}";
}

/// <summary>Where a node listens.</summary>
internal static class ListeningSocket
{
    /// <summary>Binds and listens.</summary>
    /// <param name="hostname">Address or name to bind; empty for all addresses.</param>
    /// <param name="port">Port; 0 for a free one.</param>
    /// <param name="backlog">Connections that may wait to be accepted.</param>
    /// <exception cref="SocketException">It cannot be bound.</exception>
    public static Socket Bind(string? hostname, int port, int backlog)
    {
        var address =
            string.IsNullOrEmpty(hostname) ? IPAddress.Any
            : IPAddress.TryParse(hostname, out var parsed) ? parsed
            : Preferred(Dns.GetHostAddresses(hostname));
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Without SO_REUSEPORT, which .NET sets with ReuseAddress: two processes would share the port.
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static IPAddress Preferred(IPAddress[] addresses) =>
        Array.Find(addresses, address => address.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
}
