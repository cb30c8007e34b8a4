using System.Net.Sockets;
using Akka.Configuration;

namespace Ppsd.Actors.Cluster;

/// <summary>A node cannot listen at the address it was given.</summary>
/// <param name="setting">The setting at fault: <c>port</c> or <c>hostname</c> of akka.remote.dot-netty.tcp.</param>
/// <param name="reason">What was expected and what was found, in one line.</param>
/// <param name="innerException">What the system said.</param>
public sealed class NodeAddressException(string setting, string reason, Exception innerException)
    : ConfigurationException($"{setting}: {reason}", innerException)
{
    /// <summary>The setting at fault: <c>port</c> or <c>hostname</c>.</summary>
    public string Setting { get; } = setting;

    /// <summary>What was expected and what was found.</summary>
    public string Reason { get; } = reason;

    /// <summary>The exception for what the system said.</summary>
    internal static ConfigurationException Of(SocketException e, string hostname, int port)
    {
        return e.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse => OfPort(
                "a free one to meet other nodes at",
                ", which another process has"
            ),
            SocketError.AccessDenied => OfPort("one that this process may listen at", ""),
            SocketError.AddressNotAvailable => OfHostname(""),
            SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery =>
                OfHostname(", a name that cannot be resolved"),
            _ => new ConfigurationException($"cannot listen at {hostname}:{port}: {e.Message}", e),
        };

        NodeAddressException OfPort(string expected, string what) =>
            new("port", $"expected {expected}, found {port}{what} ({hostname})", e);

        NodeAddressException OfHostname(string what) =>
            new("hostname", $"expected an address of this machine, found '{hostname}'{what}", e);
    }
}
