using Ppsd.Actors.Planning;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Api;
using Ppsd.Host.Api.Serving;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Api;

/// <summary>One pipeline of four stages and one server in front of it, on a real socket, for all tests of this folder.</summary>
[SetUpFixture]
public sealed class SharedServer
{
    private static ApiServer? _server;

    internal static ModelAssets Assets { get; private set; } = null!;

    internal static IPipeline Pipeline { get; private set; } = null!;

    internal static Uri Address => _server!.Address;

    internal static HttpClient Http { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartAll()
    {
        Assets = ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System);
        Pipeline = await InProcessPipeline.StartAsync(
            Assets,
            StagePlan.Even(Assets.Config.LayerCount, 4),
            new StageSettings
            {
                Devices = ["cpu"],
                Threads = 1,
                KvCacheBytes = 32 << 20,
            },
            new NodeSettings(),
            TimeProvider.System
        );
        _server = await StartAsync(new ServerSettings());
        Http = new HttpClient { BaseAddress = Address };
    }

    [OneTimeTearDown]
    public async Task StopAll()
    {
        Http?.Dispose();
        await (_server?.DisposeAsync() ?? default);
        await (Pipeline?.DisposeAsync() ?? default);
    }

    /// <summary>A server of its own in front of the same pipeline; its instruments are its own too.</summary>
    internal static Task<ApiServer> StartAsync(ServerSettings settings, string? telemetryName = null) =>
        ApiServer.StartAsync(
            Assets,
            Pipeline,
            settings with
            {
                Port = 0,
                DrainTimeout = TimeSpan.Zero,
                TelemetryName = telemetryName ?? $"ppsd-{Guid.NewGuid():N}",
            },
            TimeProvider.System
        );

    /// <summary>Fails when a session or a page is held for longer than it takes to let go.</summary>
    internal static Task AssertNothingHeldAsync() => AssertNothingHeldAsync(Pipeline);

    /// <summary>Fails when a session or a page is held for longer than it takes to let go.</summary>
    internal static async Task AssertNothingHeldAsync(IPipelineAccess pipeline)
    {
        ClusterSnapshot snapshot = null!;
        for (var attempt = 0; attempt < 3000; attempt++)
        {
            snapshot = await pipeline.GetSnapshotAsync(TimeSpan.FromSeconds(5));
            if (
                snapshot.IsFormed
                && snapshot.Stages.All(stage => stage.Status is { OpenSessions: 0, UsedPages: 0 })
                && snapshot.Sessions is { Running: 0, Waiting: 0 }
            )
            {
                return;
            }

            await Task.Delay(10);
        }

        var held = snapshot.Stages.Select(stage =>
            $"{stage.Status?.OpenSessions} sessions, {stage.Status?.UsedPages} pages"
        );
        Assert.Fail($"still held after thirty seconds: {string.Join("; ", held)}; {snapshot.Sessions}");
    }
}
