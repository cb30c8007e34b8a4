using Ppsd.Tests.Host.Api;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Reliability;

/// <summary>An API that coordinates stages of the bundled model, each a process of its own on loopback, and six readers.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    private const int StageCount = 2;
    private const int Length = 400;

    private readonly ServerProcess _server;
    private readonly ChaosReaders _readers;
    private readonly List<StageUnderTest> _stages = [];

    private ChaosCluster(ServerProcess server)
    {
        _server = server;
        _readers = new ChaosReaders(server.Http, Length);
    }

    /// <summary>Starts all and reads the six texts once, undisturbed.</summary>
    /// <param name="ofStages">Options of each stage node.</param>
    public static async Task<ChaosCluster> StartAsync(params string[] ofStages)
    {
        var cluster = new ChaosCluster(await ServerProcess.StartAsync("--cluster", "--stages", $"{StageCount}"));
        try
        {
            await cluster.AddStageAsync(ofStages);
            await cluster.AddStageAsync(ofStages);
            await cluster._readers.AwaitReadyAsync();
            await cluster._readers.ReadUndisturbedAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The process of the API, which lives through everything.</summary>
    public int ApiProcess => _server.ProcessId;

    /// <summary>Starts another stage process.</summary>
    public async Task AddStageAsync(params string[] arguments)
    {
        var stage = await StageUnderTest.StartAsync(["--seed-node", _server.Node!, .. arguments], StageCount);
        _stages.Add(stage);
        await ChaosReaders.WaitForAsync(async () =>
        {
            var (_, body) = await _server.Http.ReadAsync("/cluster");
            return body.GetProperty("members").EnumerateArray().Any(member => member.ToString().Contains(stage.Address))
                ? null
                : $"{stage.Address} is no member";
        });
    }

    /// <summary>The process that holds a stage of the pipeline now.</summary>
    /// <param name="stage">From 1.</param>
    public async Task<StageUnderTest> HolderOfAsync(int stage)
    {
        var (_, body) = await _server.Http.ReadAsync("/cluster");
        var address = body.GetProperty("stages")[stage - 1].GetProperty("node").GetString();
        return _stages.Find(process => process.Address == address)
            ?? throw new AssertionException($"no process of ours is at {address}");
    }

    /// <summary>Waits until the pipeline stands with so many stages.</summary>
    public async Task AwaitStagesAsync(int count)
    {
        await ChaosReaders.WaitForAsync(async () =>
        {
            var (_, body) = await _server.Http.ReadAsync("/cluster");
            return body.GetProperty("stages").GetArrayLength() == count ? null : $"not {count} stages: {body}";
        });
        await _readers.AwaitReadyAsync();
    }

    /// <inheritdoc cref="ChaosReaders.DisturbAsync"/>
    public Task<IReadOnlyList<ChaosStream>> DisturbAsync(string name, double share, Func<Task> happen) =>
        _readers.DisturbAsync(name, share, happen);

    public async ValueTask DisposeAsync()
    {
        foreach (var stage in _stages.Where(stage => !stage.HasEnded))
        {
            Signals.Send(stage.ProcessId, Signals.Continue);
        }

        try
        {
            await Task.WhenAll(_stages.Select(stage => stage.DisposeAsync().AsTask()));
        }
        finally
        {
            await _server.DisposeAsync();
        }
    }
}
