using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Ppsd.Host.Api.Endpoints;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Serving;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Telemetry;

namespace Ppsd.Host.Api;

/// <summary>
/// The HTTP server in front of a pipeline. Disposing stops politely: no new requests, those that run may finish for a
/// while, the rest ends with an error; then the socket closes. The pipeline is the caller's to stop, afterwards.
/// </summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private readonly WebApplication _web;
    private readonly ServerContext _context;
    private readonly CancellationTokenSource _stopping;

    private ApiServer(WebApplication web, ServerContext context, CancellationTokenSource stopping)
    {
        _web = web;
        _context = context;
        _stopping = stopping;
    }

    /// <summary>Where it listens.</summary>
    public Uri Address =>
        new(_web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>Starts listening.</summary>
    /// <param name="pipeline">Where texts are generated.</param>
    /// <param name="settings">How to listen.</param>
    /// <exception cref="UserErrorException">The address cannot be bound.</exception>
    public static async Task<ApiServer> StartAsync(
        ModelAssets assets,
        IPipelineAccess pipeline,
        ServerSettings settings,
        TimeProvider clock
    )
    {
        var stopping = new CancellationTokenSource();
        var watch = await PipelineWatch.StartAsync(pipeline, clock);
        var context = new ServerContext
        {
            Settings = settings,
            Model = new ServedModel(settings.ModelName ?? assets.Name, assets)
            {
                PipelineLimit = () => watch.MaxTextLength,
                PipelineArithmetic = () => watch.Arithmetic,
            },
            Pipeline = pipeline,
            Watch = watch,
            Gate = new RequestGate(settings.MaxRunning, settings.MaxQueue),
            Metrics = new PpsdMetrics(settings.TelemetryName, clock),
            Clock = clock,
            Stopping = stopping.Token,
        };
        context.Metrics.Observe(context.Gate, context.Watch);
        var server = new ApiServer(Build(context), context, stopping);
        try
        {
            await server._web.StartAsync();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await server.DisposeAsync();
            throw new UserErrorException(
                $"--host, --port: {settings.Host}:{settings.Port} cannot be bound: {e.GetBaseException().Message}",
                e
            );
        }

        return server;
    }

    public async ValueTask DisposeAsync()
    {
        _context.IsDraining = true;
        await DrainAsync();
        await _stopping.CancelAsync();
        await _web.StopAsync();
        await _web.DisposeAsync();
        await _context.Watch.DisposeAsync();
        _context.Metrics.Dispose();
        _context.Gate.Dispose();
        _stopping.Dispose();
    }

    private async Task DrainAsync()
    {
        var started = _context.Clock.GetTimestamp();
        while (
            _context.Gate.Running + _context.Gate.Waiting > 0
            && _context.Clock.GetElapsedTime(started) < _context.Settings.DrainTimeout
        )
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), _context.Clock);
        }
    }

    private static WebApplication Build(ServerContext context)
    {
        var settings = context.Settings;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "ppsd" });
        // What keeps a server from starting is said by an exception; requests' faults by ErrorAnswers.
        builder
            .Logging.AddSimpleConsole(console => console.SingleLine = true)
            .SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            .AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.None);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console =>
            console.LogToStandardErrorThreshold = LogLevel.Trace
        );

        // For clients that do not read their response: no error can reach them.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(5));

        // Signals are the command line's business.
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = settings.MaxBodyBytes;
            kestrel.Listen(Resolve(settings.Host), settings.Port, listen => listen.Use(HalfClosedConnection.Wrap));
        });
        TelemetryExport.AddTo(builder.Services, settings.TelemetryName);

        CrossOrigin.AddTo(builder.Services, settings);
        var web = builder.Build();
        web.UseMiddleware<HalfClosedClients>(context);
        web.UseMiddleware<HeadRequests>();
        web.UseMiddleware<ErrorAnswers>();
        CrossOrigin.UseIn(web, settings);
        web.UseMiddleware<ApiKey>(settings);
        web.UseRouting();
        TextEndpoints.Map(web, context);
        ModelsEndpoint.Map(web, context);
        TokenizeEndpoints.Map(web, context);
        HealthEndpoints.Map(web, context);
        ClusterEndpoint.Map(web, context);
        TelemetryExport.MapMetrics(web);
        PageEndpoint.Map(web);
        return web;
    }

    private static IPAddress Resolve(string host)
    {
        try
        {
            return IPAddress.TryParse(host, out var address) ? address : Dns.GetHostAddresses(host)[0];
        }
        catch (SocketException e)
        {
            throw new UserErrorException($"--host: '{host}' is not an address of this machine: {e.Message}", e);
        }
    }

    /// <summary>A lifetime that does nothing.</summary>
    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
