using Microsoft.AspNetCore.Http;

namespace Ppsd.Host.Api.Serving;

/// <summary>
/// Keeps answering a client that has closed its own side of the connection, and finds out whether it is still there: until
/// the answer begins it is sent "100 Continue" now and then, which every client of HTTP/1.1 skips (RFC 9110, 15.2.1). Once the
/// answer has begun, its own bytes do the same.
/// </summary>
/// <param name="next">What handles the request.</param>
/// <param name="server">Has the clock.</param>
internal sealed class HalfClosedClients(RequestDelegate next, ServerContext server)
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(125);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(2);

    /// <summary>Called by ASP.NET Core.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<HalfClosedConnection>() is not { } connection)
        {
            await next(context);
            return;
        }

        var probe = new Probe(context, connection);
        context.Response.OnStarting(probe.NoteAnswer);
        using var answered = new CancellationTokenSource();
        var watching = WatchAsync(connection, probe, answered.Token);
        try
        {
            await next(context);
        }
        finally
        {
            await answered.CancelAsync();
            await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WatchAsync(HalfClosedConnection connection, Probe probe, CancellationToken answered)
    {
        await connection.HalfClosed.WaitAsync(answered);

        // A client that has gone answers the first probe with a reset, which the next look finds.
        var pause = _firstPause;
        while (!connection.IsBroken && probe.Send())
        {
            await Task.Delay(pause, server.Clock, answered);
            pause = pause + pause < _longestPause ? pause + pause : _longestPause;
        }

        connection.Abort();
    }

    /// <summary>An interim answer, as long as the final one has not begun: the two must not mix.</summary>
    private sealed class Probe(HttpContext context, HalfClosedConnection connection)
    {
        private readonly Lock _gate = new();
        private readonly bool _mayInterrupt = context.Request.Protocol == HttpProtocol.Http11;
        private bool _hasBegun;

        public Task NoteAnswer()
        {
            lock (_gate)
            {
                _hasBegun = true;
            }

            return Task.CompletedTask;
        }

        /// <summary>False when nobody is there.</summary>
        public bool Send()
        {
            lock (_gate)
            {
                return _hasBegun || !_mayInterrupt || connection.TrySend("HTTP/1.1 100 Continue\r\n\r\n"u8);
            }
        }
    }
}
