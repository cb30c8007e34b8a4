using System.Collections.Concurrent;
using System.Text.Json;
using Ppsd.Tests.Host.Api;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Reliability.Network;

/// <summary>
/// A cluster of five hosts with a network between them: on host 1 an API that forms the cluster, on host 2 the one that the six
/// texts are read from, on 3 and 4 two stages of the bundled model, on 5 a spare. The coordinator is on whichever of them but 2 is
/// the oldest.
/// </summary>
internal sealed class HostCluster : IAsyncDisposable
{
    /// <summary>All hosts.</summary>
    public const int Count = 5;

    /// <summary>The host that forms the cluster: the first that all others name.</summary>
    public const int First = 1;

    private const int Api = 2;
    private const int Spare = 5;
    private const int StageCount = 2;
    private const int Port = 4053;

    private readonly ConcurrentDictionary<int, ServerProcess> _servers = new();
    private readonly ConcurrentDictionary<int, StageUnderTest> _stages = new();
    private readonly ConcurrentQueue<(int Host, IAsyncDisposable Process, Task<string> Error)> _started = new();
    private ChaosReaders? _readers;

    private HostCluster(NetworkHosts network) => Network = network;

    /// <summary>The hosts and what is between them.</summary>
    public NetworkHosts Network { get; }

    private HttpClient Http => _servers[Api].Http;

    /// <summary>Starts all and reads the six texts once, undisturbed.</summary>
    /// <param name="length">Tokens of a text.</param>
    /// <param name="seed">Of what the network does with frames.</param>
    public static async Task<HostCluster> StartAsync(int length, int seed)
    {
        var cluster = new HostCluster(await NetworkHosts.CreateAsync(Count, seed));
        try
        {
            await cluster.StartAsync(First);
            await Task.WhenAll(Enumerable.Range(Api, Spare - Api).Select(cluster.StartAsync));
            cluster._readers = new ChaosReaders(cluster.Http, length);
            await cluster._readers.AwaitReadyAsync();
            await cluster.StartAsync(Spare);
            await cluster._readers.ReadUndisturbedAsync();
            await cluster.AwaitAllServingAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a host's process, at first or again.</summary>
    public async Task StartAsync(int host)
    {
        var place = Network.NamespaceOf(host);
        string[] node = ["--cluster-hostname", Network.AddressOf(host), "--cluster-port", $"{Port}"];
        if (host is First or Api)
        {
            string[] role = host == First ? ["--cluster", "--stages", $"{StageCount}"] : [];
            var server = await ServerProcess.StartInAsync(
                place,
                ["--host", Network.AddressOf(host), .. role, .. node, .. Seeds("--join")]
            );
            _servers[host] = server;
            _started.Enqueue((host, server, server.Error));
        }
        else
        {
            string[] role = host == Spare ? ["--spare"] : [];
            var stage = await StageUnderTest.StartAsync([.. role, .. node, .. Seeds("--seed-node")], StageCount, place);
            _stages[host] = stage;
            _started.Enqueue((host, stage, stage.Error));
        }
    }

    /// <summary>Kills a host's process: no goodbye.</summary>
    public void Kill(int host)
    {
        if (_servers.TryGetValue(host, out var server))
        {
            server.Kill();
        }
        else
        {
            _stages[host].Kill();
        }
    }

    /// <summary>Sends a signal to a host's process.</summary>
    public void Signal(int host, int signal) =>
        Signals.Send(_servers.TryGetValue(host, out var server) ? server.ProcessId : _stages[host].ProcessId, signal);

    /// <summary>The host that holds a stage of the pipeline now.</summary>
    /// <param name="stage">From 1.</param>
    public async Task<int> HolderOfAsync(int stage)
    {
        var (_, body) = await Http.ReadAsync("/cluster");
        return HostOf(body.GetProperty("stages")[stage - 1].GetProperty("node").GetString());
    }

    /// <summary>The host that has the coordinator now.</summary>
    public async Task<int> CoordinatorAsync()
    {
        var (_, body) = await Http.ReadAsync("/cluster");
        return HostOf(AddressOf(Members(body).Single(member => member.GetProperty("coordinator").GetBoolean())));
    }

    /// <summary>
    /// As <see cref="ChaosReaders.DisturbAsync"/>; afterwards every process must be a member again that all reach, without
    /// anybody's help.
    /// </summary>
    public async Task<IReadOnlyList<ChaosStream>> DisturbAsync(string name, double share, Func<Task> happen)
    {
        var streams = await _readers!.DisturbAsync(name, share, happen);
        await AwaitAllServingAsync();
        return streams;
    }

    public async ValueTask DisposeAsync()
    {
        Network.SetAll(LinkRule.Good);
        foreach (var host in Enumerable.Range(1, Count).Where(IsRunning))
        {
            Signal(host, Signals.Continue);
        }

        try
        {
            await Task.WhenAll(_started.Select(started => started.Process.DisposeAsync().AsTask()));
        }
        finally
        {
            Network.Dispose();
            foreach (var (host, _, error) in _started)
            {
                if (await error is { Length: > 0 } lines)
                {
                    await TestContext.Out.WriteLineAsync($"host {host} said:\n{lines}");
                }
            }
        }
    }

    private static JsonElement.ArrayEnumerator Members(JsonElement cluster) =>
        cluster.GetProperty("members").EnumerateArray();

    private static string AddressOf(JsonElement member) => member.GetProperty("address").GetString()!;

    /// <summary>Waits until all processes are members that are up and reached, and the pipeline stands.</summary>
    private async Task AwaitAllServingAsync()
    {
        var hosts = Enumerable.Range(1, Count).ToList();
        await ChaosReaders.WaitForAsync(async () =>
        {
            Assert.That(hosts.Where(host => !IsRunning(host)), Is.Empty, "hosts whose process has ended by itself");
            var (_, body) = await Http.ReadAsync("/cluster");
            var serving = Members(body)
                .Where(member => member.GetProperty("reachable").GetBoolean())
                .Where(member => member.GetProperty("status").GetString() == "Up")
                .Select(AddressOf)
                .ToList();
            return hosts.TrueForAll(host => serving.Contains(NodeOf(host))) ? null : $"not all are up: {body}";
        });
        await _readers!.AwaitReadyAsync();
    }

    private bool IsRunning(int host) =>
        _servers.TryGetValue(host, out var server)
            ? !server.HasEnded
            : _stages.TryGetValue(host, out var stage) && !stage.HasEnded;

    private string NodeOf(int host) => $"akka.tcp://ppsd@{Network.AddressOf(host)}:{Port}";

    private int HostOf(string? node) => Enumerable.Range(1, Count).Single(host => node == NodeOf(host));

    /// <summary>The first that is named forms a cluster where nobody has one.</summary>
    private IEnumerable<string> Seeds(string option) =>
        ((int[])[First, First + 2, First + 3]).SelectMany(host =>
            (string[])[option, $"{Network.AddressOf(host)}:{Port}"]
        );
}
