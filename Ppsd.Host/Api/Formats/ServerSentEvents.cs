using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Ppsd.Host.Api.Formats;

/// <summary>
/// Writes a stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). Each goes out
/// at once. One writer at a time.
/// </summary>
internal sealed class ServerSentEvents
{
    private readonly PipeWriter _body;
    private readonly CancellationToken _aborted;

    private ServerSentEvents(PipeWriter body, CancellationToken aborted)
    {
        _body = body;
        _aborted = aborted;
    }

    /// <summary>Begins the stream: sets the headers. The status is 200 from here on.</summary>
    public static ServerSentEvents Begin(HttpResponse response)
    {
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";

        // Turns off buffering in proxies that collect a response before they forward it (nginx).
        response.Headers["X-Accel-Buffering"] = "no";
        return new ServerSentEvents(response.BodyWriter, response.HttpContext.RequestAborted);
    }

    /// <summary>Puts an event into the buffer; <see cref="SendAsync"/> sends it.</summary>
    public void Put(ReadOnlySpan<byte> json)
    {
        Write("data: "u8);
        Write(json);
        Write("\n\n"u8);
    }

    /// <summary>The end, as OpenAI marks it.</summary>
    public void PutDone() => Put("[DONE]"u8);

    /// <summary>Puts an event with a name into the buffer.</summary>
    public void Put(string name, ReadOnlySpan<byte> json)
    {
        Write("event: "u8);
        Write(Encoding.ASCII.GetBytes(name));
        Write("\n"u8);
        Put(json);
    }

    /// <summary>A comment, which clients skip: it keeps proxies from taking a quiet connection for a dead one.</summary>
    public void PutPing() => Write(": ping\n\n"u8);

    /// <summary>Sends what was put.</summary>
    public async ValueTask SendAsync() => await _body.FlushAsync(_aborted);

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_body.GetSpan(bytes.Length));
        _body.Advance(bytes.Length);
    }
}
