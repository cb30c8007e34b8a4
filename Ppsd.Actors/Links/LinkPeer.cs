using System.Net.Sockets;
using System.Runtime.Serialization;
using Ppsd.Actors.Messages.Wire;

namespace Ppsd.Actors.Links;

/// <summary>
/// A peer that has shown the key. Its messages are read by the link's own thread, which sleeps until there are some, or by
/// the stage's while it looks for work: whichever is first, one at a time and in order.
/// </summary>
/// <param name="serializer">Of the wire protocol.</param>
/// <param name="deliver">Takes messages, from any thread.</param>
internal sealed class LinkPeer(Socket socket, WireSerializer serializer, Action<object> deliver)
{
    // A socket that is disposed may not wake who polls it.
    private static readonly TimeSpan _longestSleep = TimeSpan.FromSeconds(1);

    private readonly Lock _reading = new();
    private byte[] _buffer = [];

    /// <summary>
    /// Delivers messages until the peer closes or sends an invalid frame; throws when the connection breaks.
    /// </summary>
    public void Run()
    {
        while (true)
        {
            // Outside the lock, so that the stage may take what arrives.
            if (!socket.Poll(_longestSleep, SelectMode.SelectRead))
            {
                continue;
            }

            lock (_reading)
            {
                if (socket.Available > 0)
                {
                    if (!TryDeliver())
                    {
                        return;
                    }
                }
                else if (socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0)
                {
                    // Readable but without data, and this is the only reader: the peer has closed.
                    return;
                }
            }
        }
    }

    /// <summary>Delivers a complete message without blocking. False when there is none.</summary>
    public bool TryTake()
    {
        if (!_reading.TryEnter())
        {
            return false;
        }

        try
        {
            if (!LinkFrame.HasArrived(socket))
            {
                return false;
            }

            if (TryDeliver())
            {
                return true;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or SerializationException)
        {
            // As in the link's own thread, which learns of it by the socket.
        }
        finally
        {
            _reading.Exit();
        }

        socket.Dispose();
        return false;
    }

    private bool TryDeliver()
    {
        if (LinkFrame.Read(socket, serializer, ref _buffer) is not { } message)
        {
            return false;
        }

        deliver(message);
        return true;
    }
}
