using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Host.Api.Endpoints;

/// <summary><c>/v1/chat/completions</c> and <c>/v1/completions</c>.</summary>
internal static class TextEndpoints
{
    /// <summary>Adds them.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerContext server)
    {
        var chat = new TextRoute(
            server,
            new ChatRequestReader(server.Model, server.Settings.Defaults),
            () => new ChatFormat(AnswerHead.Create("chatcmpl", server.Model, server.Clock))
        );
        var completions = new TextRoute(
            server,
            new CompletionRequestReader(server.Model, server.Settings.Defaults),
            () => new CompletionFormat(AnswerHead.Create("cmpl", server.Model, server.Clock))
        );
        routes.MapPost("/v1/chat/completions", chat.HandleAsync);
        routes.MapPost("/v1/completions", completions.HandleAsync);
    }
}
