using Microsoft.AspNetCore.Http;
using Ppsd.Actors.Client;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Generation;
using Ppsd.Host.Telemetry;

namespace Ppsd.Host.Api.Serving;

/// <summary>
/// Writes a text as it grows. Nothing is sent before the pipeline has admitted the session, so that a refusal still has
/// a status of its own; then comments keep the connection alive while nothing happens.
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

    /// <summary>Writes the text to its end.</summary>
    /// <param name="cancellation">The client left, or the server stops.</param>
    public async Task WriteAsync(IAsyncEnumerable<TextEvent> text, CancellationToken cancellation)
    {
        try
        {
            await using var events = text.GetAsyncEnumerator(cancellation);
            while (await NextAsync(events, cancellation))
            {
                meter.Note(events.Current);
                Put(events.Current);
            }

            await SendAsync();
        }
        catch (GenerationException e) when (_events is not null)
        {
            // Too late for a status.
            meter.Fail("error");
            await PutErrorAsync(ErrorAnswers.Of(e));
        }
        catch (OperationCanceledException)
            when (_events is not null
                && server.Stopping.IsCancellationRequested
                && !response.HttpContext.RequestAborted.IsCancellationRequested
            )
        {
            meter.Fail("stopped");
            await PutErrorAsync(ApiException.Unavailable("the server is stopping"));
        }
    }

    /// <summary>The next event. What was put goes out before it is waited for; what is ready at once goes out together.</summary>
    private async ValueTask<bool> NextAsync(IAsyncEnumerator<TextEvent> events, CancellationToken cancellation)
    {
        var next = events.MoveNextAsync();
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

    private void Put(TextEvent next)
    {
        switch (next)
        {
            case TextStarted:
                Begin();
                break;
            case TextAdded added:
                Begin().Put(format.Added(added));
                break;
            case DraftTextChanged drafts when drafts.Pieces.Count + _draftsShown > 0:
                _draftsShown = drafts.Pieces.Count;
                Begin().Put(format.Drafts(drafts.Pieces));
                break;
            case TextCompleted { Result: var result }:
                var events = Begin();
                events.Put(format.Finish(result, request.IncludesMetrics ? meter.Figures(result) : null));
                if (request.IncludesUsage)
                {
                    events.Put(format.UsageOf(result));
                }

                events.PutDone();
                break;
            default:
                break;
        }
    }

    private ServerSentEvents Begin()
    {
        if (_events is null)
        {
            _events = ServerSentEvents.Begin(response);
            if (format.First() is { } first)
            {
                _events.Put(first);
            }
        }

        return _events;
    }

    private async Task PutErrorAsync(ApiException error)
    {
        _events!.PutError(Answers.JsonOf(error));
        await _events.SendAsync();
    }
}
