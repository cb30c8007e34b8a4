using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Ppsd.Host.Api.Formats;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Host.Api.Endpoints;

/// <summary><c>/v1/chat/completions</c>, <c>/v1/completions</c> and <c>/v1/responses</c>.</summary>
internal static class TextEndpoints
{
    /// <summary>Adds them.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerContext server)
    {
        var chat = new TextRoute(
            server,
            new ChatRequestReader(server.Model, server.Settings.Defaults),
            request => new ChatFormat(AnswerHead.Create("chatcmpl-", server.Model, server.Clock), request)
        );
        var completions = new TextRoute(
            server,
            new CompletionRequestReader(server.Model, server.Settings.Defaults),
            request => new CompletionFormat(AnswerHead.Create("cmpl-", server.Model, server.Clock), request)
        );
        var responses = new TextRoute(
            server,
            new ResponsesRequestReader(server.Model, server.Settings.Defaults),
            request => new ResponsesFormat(
                AnswerHead.Create("resp_", server.Model, server.Clock),
                (ResponsesRequest)request,
                server.Clock
            )
        );
        routes.MapPost("/v1/chat/completions", chat.HandleAsync);
        routes.MapPost("/v1/completions", completions.HandleAsync);
        routes.MapPost("/v1/responses", responses.HandleAsync);
        routes.MapGet(
            "/v1/responses/{id}",
            _ => throw ApiException.NotFound("id: responses are not kept", "response_not_found", "id")
        );
    }
}
