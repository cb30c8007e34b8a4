using Microsoft.AspNetCore.Http;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Generation;
using Ppsd.Host.Telemetry;

namespace Ppsd.Host.Api.Serving;

/// <summary>
/// A route that answers with a text, whole or as a stream: reads the request, waits for its turn, generates, writes. A
/// long request waits for its turn before it is read, because tokenizing it is work too. A client that disconnects
/// cancels its session at every stage.
/// </summary>
/// <param name="server">What all routes share.</param>
/// <param name="reader">Reads the route's requests.</param>
/// <param name="format">Writes its answers; one for each request.</param>
internal sealed class TextRoute(ServerContext server, ITextRequestReader reader, Func<ITextFormat> format)
{
    /// <summary>Serves a request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        using var meter = server.Metrics.BeginRequest(context.Request.Path);
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, server.Stopping);
            using var body = await JsonBody.ReadAsync(context.Request, server.Settings.MaxBodyBytes, ended.Token);
            using var early = JsonBody.IsLong(body) ? await server.Gate.EnterAsync(ended.Token) : null;
            var request = reader.Read(body.RootElement, ended.Token);
            server.RequireAvailable();
            using var place = early ?? await server.Gate.EnterAsync(ended.Token);
            meter.Enter(request);
            var generator = new TextGenerator(server.Pipeline.Client, server.Model.Assets);
            var settings = request.Settings with { TraceParent = meter.TraceParent };
            var text = generator.StreamAsync(request.Prompt, settings, ended.Token);
            await (
                request.Streams
                    ? new TextStream(context.Response, format(), request, meter, server).WriteAsync(text, ended.Token)
                    : WriteWholeAsync(context, request, meter, text)
            );
        }
        catch (OperationCanceledException) when (server.Stopping.IsCancellationRequested)
        {
            meter.Fail("stopped");
            throw ApiException.Unavailable("the server is stopping");
        }
        catch (Exception e)
        {
            meter.Fail(context.RequestAborted.IsCancellationRequested ? "abort" : $"{ErrorAnswers.Of(e).Status}");
            throw;
        }
    }

    private async Task WriteWholeAsync(
        HttpContext context,
        TextRequest request,
        RequestMeter meter,
        IAsyncEnumerable<TextEvent> text
    )
    {
        await foreach (var next in text)
        {
            meter.Note(next);
            if (next is TextCompleted completed)
            {
                var metrics = request.IncludesMetrics ? meter.Figures(completed.Result) : null;
                await Answers.WriteAsync(context.Response, format().Whole(completed.Result, metrics));
            }
        }
    }
}
