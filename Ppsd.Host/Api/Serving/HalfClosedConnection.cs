using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Ppsd.Host.Api.Serving;

/// <summary>
/// A connection whose client may close its own side and still be answered (RFC 9112, 9.6, calls it half-closed). Kestrel
/// aborts the request when the client's side closes; here it is aborted only when nobody is left to read the answer.
/// The two look the same until something is sent: a client that has gone answers with a reset.
/// </summary>
internal sealed class HalfClosedConnection : IDisposable
{
    private readonly Socket? _socket;
    private readonly CancellationTokenSource _gone = new();
    private readonly CancellationTokenRegistration _registration;
    private readonly TaskCompletionSource _halfClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HalfClosedConnection(ConnectionContext connection)
    {
        _socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        _registration = connection.ConnectionClosed.Register(() => _halfClosed.TrySetResult());
        connection.ConnectionClosed = _gone.Token;
        connection.Transport = new Pipes(new PatientReader(connection.Transport.Input), connection.Transport.Output);
        connection.Features.Set(this);
    }

    /// <summary>Completes when the client has closed its side, or the connection is lost.</summary>
    public Task HalfClosed => _halfClosed.Task;

    /// <summary>True when the connection is broken.</summary>
    public bool IsBroken
    {
        get
        {
            try
            {
                return _socket is null || _socket.Poll(0, SelectMode.SelectError);
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException)
            {
                return true;
            }
        }
    }

    /// <summary>Serves the connections of an endpoint so.</summary>
    public static ConnectionDelegate Wrap(ConnectionDelegate next) =>
        async connection =>
        {
            using var halfClosed = new HalfClosedConnection(connection);
            await next(connection);
        };

    /// <summary>Sends bytes behind the server's back: only while nothing else is being sent.</summary>
    /// <returns>False when the connection is broken.</returns>
    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return _socket is not null && _socket.Send(bytes) == bytes.Length;
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            return false;
        }
    }

    /// <summary>Nobody is left to be answered: aborts what is still being done for the connection.</summary>
    public void Abort() => _gone.Cancel();

    public void Dispose()
    {
        _registration.Dispose();
        _halfClosed.TrySetResult();
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
