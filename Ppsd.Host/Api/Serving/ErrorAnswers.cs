using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Ppsd.Actors.Client;
using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Api.Serving;

/// <summary>Turns whatever goes wrong with a request into an answer of the OpenAI shape.</summary>
/// <param name="next">What handles the request.</param>
/// <param name="log">Told of faults that are ours.</param>
internal sealed partial class ErrorAnswers(RequestDelegate next, ILogger<ErrorAnswers> log)
{
    /// <summary>Called by ASP.NET Core.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            if (context.Response is { HasStarted: false, StatusCode: >= 400 })
            {
                await WriteRoutingAsync(context);
            }
        }
        catch (Exception e) when (IsGone(context, e))
        {
            // Nobody is left to be answered.
            context.Abort();
        }
        catch (Exception e)
        {
            var error = Of(e);
            if (error.IsFault)
            {
                LogFault(log, context.Request.Path, e);
            }

            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            context.Response.Clear();
            await WriteAsync(context, error);
        }
    }

    /// <summary>The answer to an exception.</summary>
    public static ApiException Of(Exception e) =>
        e switch
        {
            ApiException error => error,
            GenerationException { Failure: GenerationFailure.BadRequest } refused => ApiException.BadRequest(
                refused.Message
            ),
            GenerationException { Failure: GenerationFailure.Failed } failed => ApiException.Failed(failed.Message),
            GenerationException lost => ApiException.Unavailable(lost.Message),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => ApiException.TooLarge(
                "the body is longer than the server takes (--max-body-bytes)"
            ),
            BadHttpRequestException bad => ApiException.BadRequest(bad.Message),
            _ => ApiException.Internal("an internal error; the server's log tells more"),
        };

    private static Task WriteAsync(HttpContext context, ApiException error)
    {
        var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize;
        if (error.Status == StatusCodes.Status413PayloadTooLarge || context.Request.ContentLength > limit)
        {
            // Such a body is not read, and the server closes the connection: unless the response announces that, the
            // client may send its next request there and get no answer.
            context.Response.Headers.Connection = "close";
        }

        return Answers.WriteAsync(context.Response, error);
    }

    private static bool IsGone(HttpContext context, Exception e) =>
        context.RequestAborted.IsCancellationRequested
        && e is OperationCanceledException or ConnectionResetException or IOException;

    private static Task WriteRoutingAsync(HttpContext context)
    {
        if (context.Response.Headers.Allow.ToString() is { Length: > 0 } allowed)
        {
            context.Response.Headers.Allow =
                allowed.Replace(HttpMethods.Get, "GET, HEAD", StringComparison.Ordinal) + ", OPTIONS";
        }

        if (
            context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed
            && HttpMethods.IsOptions(context.Request.Method)
        )
        {
            // The header with the methods is there already.
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        }

        return WriteAsync(context, Routing(context));
    }

    private static ApiException Routing(HttpContext context) =>
        context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed
            ? ApiException.MethodNotAllowed(
                $"{context.Request.Path}: expected {context.Response.Headers.Allow}, found {context.Request.Method}"
            )
            : ApiException.NotFound($"{context.Request.Path}: there is no such route");

    /// <summary>A fault of this program: its answer says little, so the log says all.</summary>
    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} failed")]
    internal static partial void LogFault(ILogger log, string path, Exception e);
}
