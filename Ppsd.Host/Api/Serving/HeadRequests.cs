using Microsoft.AspNetCore.Http;

namespace Ppsd.Host.Api.Serving;

/// <summary>Answers HEAD as GET; the server itself leaves out the body, since the client asked for none.</summary>
/// <param name="next">What handles the request.</param>
internal sealed class HeadRequests(RequestDelegate next)
{
    /// <summary>Called by ASP.NET Core.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Request.Method = HttpMethods.Get;
        }

        return next(context);
    }
}
