using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Ppsd.Host.Api.Serving;
using Ppsd.Host.Clusters;

namespace Ppsd.Host.Api.Endpoints;

/// <summary><c>/cluster</c>: members, stages and their figures, as of the last look a second ago or less.</summary>
internal static class ClusterEndpoint
{
    /// <summary>Adds it.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerContext server) =>
        routes.MapGet(
            "/cluster",
            context =>
            {
                var buffer = new ArrayBufferWriter<byte>();
                using (var json = new Utf8JsonWriter(buffer))
                {
                    ClusterJson.Write(json, server.Watch.Latest, server.Watch.Rates);
                }

                return Answers.WriteAsync(context.Response, buffer.WrittenSpan.ToArray());
            }
        );
}
