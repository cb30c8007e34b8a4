using Ppsd.Tests.Host.Api;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Reliability;

/// <summary>An API and stages of the bundled model, each a process of its own on loopback, and six readers.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    private const int StageCount = 2;
    private const int Length = 400;

    private readonly ServerProcess _server;
    private readonly string _seed;
    private readonly ChaosReaders _readers;
    private readonly List<StageUnderTest> _stages = [];

    private ChaosCluster(ServerProcess server, string seed)
    {
        (_server, _seed) = (server, seed);
        _readers = new ChaosReaders(server.Http, Length);
    }

    /// <summary>Starts all and reads the six texts once, undisturbed. The API's process hosts the coordinator.</summary>
    /// <param name="ofStages">Options of each stage node.</param>
    public static async Task<ChaosCluster> StartAsync(params string[] ofStages)
    {
        var server = await ServerProcess.StartAsync("--cluster", "--stages", $"{StageCount}");
        return await new ChaosCluster(server, server.Node!).WithStagesAsync(StageCount, ofStages);
    }

    /// <summary>The same, but the API joins as a client: stage 1's process hosts the coordinator.</summary>
    public static async Task<ChaosCluster> StartWithCoordinatingStageAsync()
    {
        var first = await StageUnderTest.StartAsync([], StageCount);
        var cluster = new ChaosCluster(await ServerProcess.StartAsync("--join", first.Address), first.Address);
        cluster._stages.Add(first);
        return await cluster.WithStagesAsync(StageCount - 1);
    }

    /// <summary>The process of the API, which lives through everything.</summary>
    public int ApiProcess => _server.ProcessId;

    /// <summary>Starts a stage's process again at the address of one that was killed.</summary>
    public Task StartAgainAsync(StageUnderTest killed) =>
        AddStageAsync("--port", killed.Address[(killed.Address.LastIndexOf(':') + 1)..]);

    /// <summary>Starts another stage process.</summary>
    public async Task AddStageAsync(params string[] arguments)
    {
        var stage = await StageUnderTest.StartAsync(["--seed-node", _seed, .. arguments], StageCount);
        _stages.Add(stage);
        await ChaosReaders.WaitForAsync(async () =>
        {
            var (_, body) = await _server.Http.ReadAsync("/cluster");

            // Only those that are up have a say in who stays when another dies.
            var isUp = body.GetProperty("members")
                .EnumerateArray()
                .Any(member =>
                    member.GetProperty("address").GetString() == stage.Address
                    && member.GetProperty("status").GetString() == "Up"
                );
            return isUp ? null : $"{stage.Address} is not up: {body.GetProperty("members")}";
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

    private async Task<ChaosCluster> WithStagesAsync(int count, params string[] arguments)
    {
        try
        {
            for (var i = 0; i < count; i++)
            {
                await AddStageAsync(arguments);
            }

            await _readers.AwaitReadyAsync();
            await _readers.ReadUndisturbedAsync();
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

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
