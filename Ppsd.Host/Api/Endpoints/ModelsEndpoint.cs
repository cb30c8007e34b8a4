using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Host.Api.Endpoints;

/// <summary><c>/v1/models</c>: the one model served.</summary>
internal static class ModelsEndpoint
{
    /// <summary>Adds it.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerContext server)
    {
        var started = server.Clock.GetUtcNow().ToUnixTimeSeconds();

        // The context changes with the pipeline.
        ModelEntry Entry() => new(server.Model.Name, started, server.Model.Context);
        routes.MapGet(
            "/v1/models",
            context => Answers.WriteAsync(context.Response, new ModelList([Entry()]), ApiJson.Plain.ModelList)
        );
        routes.MapGet(
            "/v1/models/{**name}",
            context =>
                context.GetRouteValue("name") as string == server.Model.Name
                    ? Answers.WriteAsync(context.Response, Entry(), ApiJson.Plain.ModelEntry)
                    : throw ApiException.NotFound(
                        $"model: expected '{server.Model.Name}', the model served here",
                        "model_not_found",
                        "model"
                    )
        );
    }
}
