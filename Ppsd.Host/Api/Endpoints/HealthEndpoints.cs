using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Host.Api.Endpoints;

/// <summary>
/// <c>/health</c>: this process answers. <c>/health/ready</c>: every stage has loaded and answers. <c>/version</c>.
/// </summary>
internal static class HealthEndpoints
{
    /// <summary>Adds them.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerContext server)
    {
        routes.MapGet(
            "/health",
            context => Answers.WriteAsync(context.Response, new HealthAnswer("ok"), ApiJson.Plain.HealthAnswer)
        );
        routes.MapGet("/health/ready", context => WriteReadyAsync(context.Response, server));
        routes.MapGet(
            "/version",
            context =>
                Answers.WriteAsync(
                    context.Response,
                    new VersionAnswer(ProgramVersion.Text),
                    ApiJson.Plain.VersionAnswer
                )
        );
    }

    private static Task WriteReadyAsync(HttpResponse response, ServerContext server)
    {
        var missing = server.IsDraining ? "the server is stopping" : server.Watch.Missing();
        return Answers.WriteAsync(
            response,
            new HealthAnswer(missing is null ? "ready" : "unavailable", missing ?? server.Watch.Latest.Explanation),
            ApiJson.Plain.HealthAnswer,
            missing is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable
        );
    }
}
