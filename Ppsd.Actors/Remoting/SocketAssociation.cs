using System.Net.Sockets;
using Akka.Actor;
using Akka.Remote.Transport;
using Google.Protobuf;

namespace Ppsd.Actors.Remoting;

/// <summary>A connection to another node, as remoting sees it.</summary>
internal sealed class SocketAssociation : AssociationHandle, IDisposable
{
    private readonly SocketTransport _transport;
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly FrameWriter _writer;
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationToken _closed;
    private (string Host, int Port)? _origin;
    private int _isDisposed;
    private bool _hasComplained;

    public SocketAssociation(
        SocketTransport transport,
        Address local,
        Address remote,
        Socket socket,
        Stream stream,
        bool isOutbound
    )
        : base(local, remote)
    {
        _transport = transport;
        _socket = socket;
        _stream = stream;
        _writer = new FrameWriter(stream);
        _closed = _closing.Token;
        _origin = isOutbound ? (remote.Host, remote.Port ?? 0) : null;
        _ = ReadAsync();
    }

    public override bool Write(ByteString payload) => _writer.TryWrite(payload.Memory);

    /// <summary>Sends what has been written, then closes once the peer ends its stream or the time is up.</summary>
    [Obsolete("Remoting calls the overload with a reason.")]
    public override void Disassociate()
    {
        _writer.Complete();
        _ = CloseAfterLastWriteAsync();
    }

    /// <summary>Closes at once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _closing.Cancel();
            _closing.Dispose();
            _stream.Dispose();
        }
    }

    /// <summary>Sends what is left, no longer than the transport waits, and closes.</summary>
    public async Task CloseAsync()
    {
        _writer.Complete();
        await Task.WhenAny(_writer.Done, Task.Delay(_transport.FlushPatience)).ConfigureAwait(false);
        Dispose();
    }

    private async Task CloseAfterLastWriteAsync()
    {
        await Task.WhenAny(_writer.Done, Task.Delay(_transport.FlushPatience)).ConfigureAwait(false);
        try
        {
            // Closing with unread bytes of the peer would reset the connection and lose the last frames.
            _socket.Shutdown(SocketShutdown.Send);
            await Task.Delay(_transport.FlushPatience, _closed).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The peer closed first.
        }

        Dispose();
    }

    private async Task ReadAsync()
    {
        // Not on the thread that registers the listener, which is an actor's.
        var listener = await ReadHandlerSource.Task.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var info = DisassociateInfo.Unknown;
        try
        {
            var reader = new FrameReader(
                _stream,
                (int)Math.Min(int.MaxValue, _transport.MaximumPayloadBytes),
                _transport.UnprovenMemory,
                () => _transport.IsTrusted(_origin)
            );
            while (await reader.ReadAsync(_closed).ConfigureAwait(false) is { } frame)
            {
                if (Takes(frame))
                {
                    listener.Notify(new InboundPayload(UnsafeByteOperations.UnsafeWrap(frame)));
                }
            }
        }
        catch (InvalidDataException e)
        {
            _transport.Refusals.Add();
            _transport.WarnOfStranger($"{RemoteAddress} is cut off: {e.Message}");
        }
        catch (IOException e) when (e.InnerException is SocketException)
        {
            info = DisassociateInfo.Shutdown;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Closed by this side.
        }

        _transport.Forget(this);
        _writer.Complete();
        Dispose();
        listener.Notify(new Disassociated(info));
    }

    private bool Takes(byte[] frame)
    {
        _origin ??= InboundMessages.OriginOf(frame);
        if (InboundMessages.IsAllowed(frame, out var complaint))
        {
            return true;
        }

        _transport.Refusals.Add();
        if (!_hasComplained)
        {
            _hasComplained = true;
            _transport.WarnOfStranger($"{Peer()} sent what nodes do not send each other: {complaint}");
        }

        return false;
    }

    private string Peer() => _origin is { } origin ? $"{origin.Host}:{origin.Port}" : RemoteAddress.ToString();
}
