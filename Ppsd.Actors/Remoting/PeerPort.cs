using System.Net.Sockets;
using Akka.Actor;

namespace Ppsd.Actors.Remoting;

/// <summary>Whether a process listens at a node's address.</summary>
internal static class PeerPort
{
    /// <summary>
    /// True when the node's machine answers that nothing listens there: the process is gone. A process that hangs still accepts, and
    /// a machine that is off or cut off does not answer.
    /// </summary>
    public static async Task<bool> RefusesAsync(Address node, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(node.Host.Trim('[', ']'), node.Port!.Value, limit.Token).ConfigureAwait(false);
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
