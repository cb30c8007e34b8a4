using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Api.Serving;

/// <summary>Lets requests in that carry the key; the page, its health and its version are open to all.</summary>
/// <param name="next">What handles the request.</param>
/// <param name="settings">Holds the key.</param>
internal sealed class ApiKey(RequestDelegate next, ServerSettings settings)
{
    private const string Scheme = "Bearer ";

    private static readonly string[] _open = ["/", "/health", "/health/ready", "/version"];

    // Hashes have one length, so comparing them reveals nothing about the key, not even its length.
    private readonly byte[]? _hash = settings.ApiKey is { } key ? Hash(key) : null;

    /// <summary>Called by ASP.NET Core.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (_hash is not null && !IsOpen(context.Request.Path) && !Carries(context.Request, _hash))
        {
            throw ApiException.Unauthorized("expected the API key as 'Authorization: Bearer KEY'");
        }

        return next(context);
    }

    private static bool IsOpen(PathString path) =>
        _open.Contains(path.Value) || path.StartsWithSegments("/page", StringComparison.Ordinal);

    private static bool Carries(HttpRequest request, byte[] hash) =>
        request.Headers.Authorization is [{ } header]
        && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(Hash(header[Scheme.Length..]), hash);

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
