using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Serving;

/// <summary>Something that happened to a text of a request.</summary>
/// <param name="Index">The text, from 0.</param>
/// <param name="Event">What happened.</param>
internal readonly record struct TextPart(int Index, TextEvent Event);

/// <summary>
/// Generates the texts of one request at the same time. Each text takes a place on the pipeline of its own; one that
/// fails ends the others.
/// </summary>
/// <param name="server">What all routes share.</param>
/// <param name="traceParent">Span of the request; null when it is not traced.</param>
internal sealed class RequestedTexts(ServerContext server, TextRequest request, string? traceParent)
{
    /// <summary>Parts that may wait for a client that reads slowly.</summary>
    private const int MaxWaitingParts = 64;

    /// <summary>Starts them all and yields what happens, in each text's own order.</summary>
    /// <param name="taken">A place that the request has already, for its first text; null for none.</param>
    /// <param name="cancellation">Ends them at every stage.</param>
    /// <exception cref="ApiException">Too many requests wait already.</exception>
    public IAsyncEnumerable<TextPart> StreamAsync(IDisposable? taken, CancellationToken cancellation)
    {
        server.Gate.RequireRoom(request.TextCount);
        return request.TextCount == 1 ? OneAsync(0, taken, cancellation) : AllAsync(taken, cancellation);
    }

    private async IAsyncEnumerable<TextPart> OneAsync(
        int index,
        IDisposable? taken,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        using var place = taken ?? await server.Gate.EnterAsync(cancellation);
        var generator = new TextGenerator(server.Pipeline.Client, server.Model.Assets);
        var settings = request.SettingsOf(index) with { TraceParent = traceParent };
        await foreach (var next in generator.StreamAsync(request.PromptOf(index).Tokens, settings, cancellation))
        {
            yield return new TextPart(index, next);
        }
    }

    private async IAsyncEnumerable<TextPart> AllAsync(
        IDisposable? taken,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var parts = Channel.CreateBounded<TextPart>(new BoundedChannelOptions(MaxWaitingParts) { SingleReader = true });
        var running = Enumerable
            .Range(0, request.TextCount)
            .Select(i => SendAsync(i, i == 0 ? taken : null, parts.Writer, ended))
            .ToList();
        var all = Task.WhenAll(running);
        _ = all.ContinueWith(
            _ => parts.Writer.TryComplete(),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
        try
        {
            await foreach (var part in parts.Reader.ReadAllAsync(cancellation))
            {
                yield return part;
            }
        }
        finally
        {
            // None of them may outlive the request: each holds a place on the pipeline.
            await ended.CancelAsync();
            await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SendAsync(
        int index,
        IDisposable? taken,
        ChannelWriter<TextPart> parts,
        CancellationTokenSource ended
    )
    {
        try
        {
            await foreach (var part in OneAsync(index, taken, ended.Token))
            {
                await parts.WriteAsync(part, ended.Token);
            }
        }
        catch (Exception e)
        {
            // The first failure is the request's; those it causes come too late.
            parts.TryComplete(e);
            await ended.CancelAsync();
        }
    }
}
