using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Ppsd.Host.Api.Serving;

/// <summary>Lets pages of other origins use the API (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol); off by default.</summary>
internal static class CrossOrigin
{
    /// <summary>The seed that a text was drawn with; also in the body, but a client library may show only one of the two.</summary>
    public const string SeedHeader = "x-ppsd-seed";

    private const string Any = "*";

    /// <summary>Origins from a list between commas; throws for one that is none.</summary>
    /// <exception cref="UserErrorException">An origin is malformed; one line.</exception>
    public static IReadOnlyList<string> Parse(IEnumerable<string> given) =>
        [
            .. given
                .SelectMany(list =>
                    list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                )
                .Select(Checked)
                .Distinct(),
        ];

    /// <summary>Adds what answers preflight requests, where there are origins.</summary>
    public static void AddTo(IServiceCollection services, ServerSettings settings)
    {
        if (settings.CorsOrigins.Count > 0)
        {
            services.AddCors(cors =>
                cors.AddDefaultPolicy(policy =>
                    policy
                        .WithOrigins([.. settings.CorsOrigins])
                        .AllowAnyHeader()
                        .WithMethods("GET", "HEAD", "POST", "OPTIONS")
                        .WithExposedHeaders("Retry-After", SeedHeader)
                        .SetPreflightMaxAge(TimeSpan.FromMinutes(10))
                )
            );
        }
    }

    /// <summary>Puts it in front of what comes later: a preflight request carries no key.</summary>
    public static void UseIn(IApplicationBuilder web, ServerSettings settings)
    {
        if (settings.CorsOrigins.Count > 0)
        {
            web.UseCors();
        }
    }

    private static string Checked(string origin)
    {
        if (origin == Any)
        {
            return origin;
        }

        return
            Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && uri.Scheme is "http" or "https"
            && uri is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" }
            ? uri.GetLeftPart(UriPartial.Authority)
            : throw new UserErrorException(
                $"--cors-origin: expected an origin such as https://example.org, or *, found '{origin}'"
            );
    }
}
