using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Ppsd.Actors.Client;
using Ppsd.Host.Api.Formats;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Generation;
using Ppsd.Host.Telemetry;

namespace Ppsd.Host.Api.Serving;

/// <summary>
/// Writes texts as they grow. Nothing is sent before the pipeline has admitted a session, so that a refusal still has
/// a status of its own; then comments keep the connection alive while nothing happens. Ends with the format's end, or with
/// an error event.
/// </summary>
internal sealed class TextStream(
    HttpResponse response,
    ITextFormat format,
    TextRequest request,
    RequestMeter meter,
    ServerContext server
)
{
    private ServerSentEvents? _events;
    private int _draftsShown;
    private int _completed;

    /// <summary>Writes the texts to their end.</summary>
    /// <param name="texts">What happens to them.</param>
    /// <param name="cancellation">The client left, or the server stops.</param>
    public async Task WriteAsync(IAsyncEnumerable<TextPart> texts, CancellationToken cancellation)
    {
        try
        {
            await using var parts = texts.GetAsyncEnumerator(cancellation);
            while (await NextAsync(parts, cancellation))
            {
                meter.Note(parts.Current.Event);
                Put(parts.Current);
            }

            if (_completed < request.TextCount)
            {
                throw new GenerationException(GenerationFailure.Broken, "a text ended before it was complete");
            }

            await SendAsync();
        }
        catch (Exception e) when (_events is not null && !response.HttpContext.RequestAborted.IsCancellationRequested)
        {
            // Too late for a status, whatever went wrong.
            await PutErrorAsync(e);
        }
    }

    /// <summary>The next part. What was put goes out before it is waited for; what is ready at once goes out together.</summary>
    private async ValueTask<bool> NextAsync(IAsyncEnumerator<TextPart> parts, CancellationToken cancellation)
    {
        var next = parts.MoveNextAsync();
        if (next.IsCompleted)
        {
            return await next;
        }

        var moved = next.AsTask();
        try
        {
            await SendAsync();
            return await PingUntilAsync(moved, cancellation);
        }
        catch (OperationCanceledException)
        {
            // An enumerator must not be disposed while it moves; what cancelled us makes it stop.
            await ((Task)moved).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    private async Task<bool> PingUntilAsync(Task<bool> moved, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await moved.WaitAsync(server.Settings.PingInterval, server.Clock, cancellation);
            }
            catch (TimeoutException) when (!moved.IsFaulted)
            {
                Begin().PutPing();
                await SendAsync();
            }
        }
    }

    private ValueTask SendAsync() => _events?.SendAsync() ?? default;

    private void Put(TextPart part)
    {
        switch (part.Event)
        {
            case TextStarted:
                Begin();
                break;
            case TextAdded added:
                format.Added(Begin(), part.Index, added);
                break;
            case DraftTextChanged drafts when drafts.Pieces.Count + _draftsShown > 0:
                _draftsShown = drafts.Pieces.Count;
                format.Drafts(Begin(), drafts);
                break;
            case TextCompleted { Result: var result }:
                Finish(part.Index, result);
                break;
            default:
                break;
        }
    }

    private void Finish(int index, TextResult result)
    {
        var isLast = ++_completed == request.TextCount;
        format.Finish(Begin(), index, result, isLast && request.IncludesMetrics ? meter.Figures() : null);
        if (isLast)
        {
            format.End(Begin());
        }
    }

    private ServerSentEvents Begin()
    {
        if (_events is null)
        {
            _events = ServerSentEvents.Begin(response);
            format.Begin(_events);
        }

        return _events;
    }

    private async Task PutErrorAsync(Exception e)
    {
        var error =
            e is OperationCanceledException && server.Stopping.IsCancellationRequested
                ? ApiException.Unavailable("the server is stopping")
                : ErrorAnswers.Of(e);
        meter.Fail(server.Stopping.IsCancellationRequested ? "stopped" : "error");
        if (error.IsFault)
        {
            var log = response.HttpContext.RequestServices.GetRequiredService<ILogger<ErrorAnswers>>();
            ErrorAnswers.LogFault(log, response.HttpContext.Request.Path, e);
        }

        format.Fail(_events!, error);
        await _events!.SendAsync();
    }
}
