using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Ppsd.Actors.Telemetry;

namespace Ppsd.Host.Telemetry;

/// <summary>
/// Takes metrics and traces out of the process: metrics at <c>/metrics</c> for Prometheus, and both by OTLP when
/// OTEL_EXPORTER_OTLP_ENDPOINT is set.
/// </summary>
internal static class TelemetryExport
{
    // ASP.NET Core's own span of a request, which continues a caller's trace.
    private const string HttpSource = "Microsoft.AspNetCore";

    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static bool IsOtlpWanted => Environment.GetEnvironmentVariable(EndpointVariable) is { Length: > 0 };

    /// <summary>Adds the exporters to a server.</summary>
    /// <param name="services">The server's services.</param>
    /// <param name="name">Name of the meter and the activity source.</param>
    public static void AddTo(IServiceCollection services, string name)
    {
        var telemetry = services.AddOpenTelemetry().ConfigureResource(AddService);
        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter(name).AddPrometheusExporter();
            if (IsOtlpWanted)
            {
                metrics.AddOtlpExporter();
            }
        });
        if (IsOtlpWanted)
        {
            telemetry.WithTracing(tracing =>
                tracing.AddSource(HttpSource, name, StageSpans.SourceName).AddOtlpExporter()
            );
        }
    }

    /// <summary>Exports the spans of a stage node, when an endpoint is set; dispose to send the last of them.</summary>
    public static IDisposable? StartStageTraces() =>
        IsOtlpWanted
            ? Sdk.CreateTracerProviderBuilder()
                .ConfigureResource(AddService)
                .AddSource(StageSpans.SourceName)
                .AddOtlpExporter()
                .Build()
            : null;

    /// <summary>Adds <c>/metrics</c>.</summary>
    public static void MapMetrics(WebApplication web) => web.MapPrometheusScrapingEndpoint("/metrics");

    private static void AddService(ResourceBuilder resource) => resource.AddService("ppsd", null, ProgramVersion.Text);
}
