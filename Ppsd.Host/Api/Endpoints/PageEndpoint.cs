using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Api.Endpoints;

/// <summary>
/// The web page at <c>/</c>: files that travel inside this assembly and fetch nothing from elsewhere.
/// </summary>
internal static class PageEndpoint
{
    private const string Index = "index.html";

    // Nothing but this server's own files and answers: a model's text can never become a script.
    private const string Policy =
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Adds it.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", context => WriteAsync(context.Response, Index));
        routes.MapGet("/page/{name}", context => WriteAsync(context.Response, (string)context.GetRouteValue("name")!));
    }

    private static async Task WriteAsync(HttpResponse response, string name)
    {
        await using var file =
            typeof(PageEndpoint).Assembly.GetManifestResourceStream($"page/{name}")
            ?? throw ApiException.NotFound($"/page/{name}: there is no such file");
        response.ContentType = Path.GetExtension(name) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            _ => "text/javascript; charset=utf-8",
        };
        response.ContentLength = file.Length;
        response.Headers.CacheControl = "no-cache";
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        await file.CopyToAsync(response.Body, response.HttpContext.RequestAborted);
    }
}
