using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Ppsd.Host.Telemetry;

/// <summary>
/// Takes metrics and traces out of the process: metrics at <c>/metrics</c> for Prometheus, and both by OTLP when
/// OTEL_EXPORTER_OTLP_ENDPOINT is set.
/// </summary>
internal static class TelemetryExport
{
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
            telemetry.WithTracing(tracing => tracing.AddSource(name).AddOtlpExporter());
        }
    }

    /// <summary>Adds <c>/metrics</c>.</summary>
    public static void MapMetrics(WebApplication web) => web.MapPrometheusScrapingEndpoint("/metrics");

    private static void AddService(ResourceBuilder resource) => resource.AddService("ppsd", null, ProgramVersion.Text);
}
