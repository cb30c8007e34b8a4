using System.Globalization;
using Microsoft.AspNetCore.Http;
using Ppsd.Actors.Client;
using Ppsd.Host.Api.Formats;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Generation;
using Ppsd.Host.Telemetry;

namespace Ppsd.Host.Api.Serving;

/// <summary>
/// A route that answers with text, whole or as a stream: reads the request, waits for its turn, generates, writes. A
/// long request waits for its turn before it is read, because tokenizing it is work too.
/// A client that leaves early cancels its sessions at every stage.
/// </summary>
/// <param name="server">What all routes share.</param>
/// <param name="reader">Reads the route's requests.</param>
/// <param name="createFormat">Creates what writes the answer to a request.</param>
internal sealed class TextRoute(
    ServerContext server,
    ITextRequestReader reader,
    Func<TextRequest, ITextFormat> createFormat
)
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
            meter.Enter(request);
            var texts = new RequestedTexts(server, request, meter.TraceParent).StreamAsync(early, ended.Token);
            if (request.Seed is { } seed)
            {
                context.Response.Headers[CrossOrigin.SeedHeader] = seed.ToString(CultureInfo.InvariantCulture);
            }

            var format = createFormat(request);
            await (
                request.Streams
                    ? new TextStream(context.Response, format, request, meter, server).WriteAsync(texts, ended.Token)
                    : WriteWholeAsync(context, format, request, meter, texts)
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

    private static async Task WriteWholeAsync(
        HttpContext context,
        ITextFormat format,
        TextRequest request,
        RequestMeter meter,
        IAsyncEnumerable<TextPart> texts
    )
    {
        var results = new TextResult?[request.TextCount];
        await foreach (var part in texts)
        {
            meter.Note(part.Event);
            if (part.Event is TextCompleted completed)
            {
                results[part.Index] = completed.Result;
            }
        }

        if (results.Contains(null))
        {
            throw new GenerationException(GenerationFailure.Broken, "a text ended before it was complete");
        }

        var metrics = request.IncludesMetrics ? meter.Figures() : null;
        await Answers.WriteAsync(context.Response, format.Whole(results!, metrics));
    }
}
