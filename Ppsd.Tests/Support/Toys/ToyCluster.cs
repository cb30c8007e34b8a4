using Akka.Actor;
using Akka.Remote;
using Ppsd.Actors.Chat;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Messages;

namespace Ppsd.Tests.Support.Toys;

/// <summary>Several cluster members in this process, over real sockets on loopback, with toy runtimes.</summary>
internal sealed class ToyCluster(
    int stageCount,
    ToyDrafter drafter,
    int layersPerStage = 4,
    string hocon = "",
    Action<int, IReadOnlyList<BatchPart>>? onForward = null
) : IAsyncDisposable
{
    /// <summary>Faster failure detection than in production: nothing here floods a connection.</summary>
    private const string Impatient = """
        ppsd.cluster.request-patience = 2s
        ppsd.cluster.silence = 20s
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        akka.cluster {
          seed-node-timeout = 1s
          gossip-interval = 100ms
          leader-actions-interval = 100ms
          unreachable-nodes-reaper-interval = 100ms
          periodic-tasks-initial-delay = 100ms
          failure-detector { heartbeat-interval = 200ms, acceptable-heartbeat-pause = 1500ms }
          split-brain-resolver.stable-after = 1s
          split-brain-resolver.down-all-when-unstable = 4s
          run-coordinated-shutdown-when-down = off
        }
        """;

    private readonly List<ClusterNode> _nodes = [];
    private volatile int _serving;

    public ToyModel Model { get; } = new(6);

    public IReadOnlyList<ClusterNode> Nodes => _nodes;

    /// <summary>The node whose gateway has begun the latest text.</summary>
    public ClusterNode Serving => _nodes[_serving];

    public ClusterNode AddStage(
        string fingerprint = "toy",
        int wantedStage = -1,
        ToyDrafter? otherDrafter = null,
        int port = 0,
        IReadOnlyList<string>? seeds = null,
        string arithmetic = "rope-frequencies=checkpoint",
        Action<string>? onRefused = null,
        bool isSpare = false,
        bool handsOver = false,
        int mostLayers = 0
    )
    {
        var place = _nodes.Count;
        var node = new StageNode
        {
            ModelFingerprint = fingerprint,
            LayerCount = stageCount * layersPerStage,
            WantedStage = wantedStage,
            Arithmetic = [arithmetic],
            OnRefused = onRefused,
            IsSpare = isSpare,
            HandsOver = handsOver,
            MostLayers = mostLayers,
            CreateTextModel = client => new ToyTextModel(client, () => _serving = place),
            CreateRuntime = layers => new ToyRuntime(
                Model,
                layers.First / layers.Count,
                stageCount * layersPerStage / layers.Count,
                layers.First == 0 ? otherDrafter ?? drafter : null,
                layers: layers.Count,
                onForward: onForward is null ? null : parts => onForward(layers.First / layersPerStage, parts)
            ),
        };
        var member = ClusterNode.StartStage(
            PpsdConfig.Load(
                NodeRole.Stage,
                overrides: $"{Impatient}\n{hocon}\nakka.remote.dot-netty.tcp.port = {port}"
            ),
            seeds ?? Seeds(),
            node,
            new ClusterPlan(stageCount, []),
            TimeProvider.System
        );
        _nodes.Add(member);
        return member;
    }

    /// <summary>A node that holds no stage and may host the coordinator, as <c>ppsd serve --cluster</c>.</summary>
    /// <param name="port">Its port; 0 for any.</param>
    /// <param name="seeds">Whom it asks to be let in; the first node of this cluster by default.</param>
    public ClusterNode AddCoordinator(int port = 0, IReadOnlyList<string>? seeds = null)
    {
        var member = ClusterNode.StartCoordinator(
            PpsdConfig.Load(
                NodeRole.Coordinator,
                overrides: $"{Impatient}\n{hocon}\nakka.remote.dot-netty.tcp.port = {port}"
            ),
            seeds ?? Seeds(),
            new ClusterPlan(stageCount, [])
        );
        _nodes.Add(member);
        return member;
    }

    public ClusterNode AddClient(string? otherHocon = null)
    {
        var member = ClusterNode.StartClient(
            PpsdConfig.Load(NodeRole.Client, overrides: $"{Impatient}\n{otherHocon ?? hocon}"),
            Seeds()
        );
        _nodes.Add(member);
        return member;
    }

    /// <summary>A client that joins one address, whoever is there, and is nobody's to dispose of but the caller's.</summary>
    public PpsdChatClient ChatClientOf(string seed) =>
        new(
            () => ClusterNode.StartClient(PpsdConfig.Load(NodeRole.Client, overrides: $"{Impatient}\n{hocon}"), [seed]),
            TimeSpan.FromSeconds(15),
            TimeProvider.System
        );

    public PpsdChatClient AddChatClient() => new(() => AddClient(), TimeSpan.FromSeconds(15), TimeProvider.System);

    /// <summary>Waits until no stage holds a page or a session; fails when one still does after thirty seconds.</summary>
    public async Task AssertNothingHeldAsync()
    {
        for (var attempt = 0; attempt < 600; attempt++)
        {
            var snapshot = await _nodes[^1].GetSnapshotAsync(TimeSpan.FromSeconds(5), TimeProvider.System);
            if (
                snapshot.Stages.All(stage =>
                    stage.Status is { OpenSessions: 0, UsedPages: 0, QueueLength: 0, SentRowBytes: 0 }
                )
            )
            {
                return;
            }

            await Task.Delay(50);
        }

        Assert.Fail("pages or sessions are still held after thirty seconds");
    }

    /// <summary>Waits until the pipeline stands; fails with the coordinator's words when it does not within a minute.</summary>
    public static async Task<PipelineFormed> FormedAsync(ClusterNode asker)
    {
        var state = await StateAsync(asker, state => state.Formed is not null);
        return state.Formed!;
    }

    public static async Task<PipelineState> StateAsync(ClusterNode asker, Func<PipelineState, bool> isExpected)
    {
        PipelineState? last = null;
        for (var attempt = 0; attempt < 1200; attempt++)
        {
            try
            {
                last = await asker.GetPipelineAsync(TimeSpan.FromSeconds(2));
                if (isExpected(last))
                {
                    return last;
                }
            }
            catch (AskTimeoutException)
            {
                // The coordinator is not up yet, or is moving.
            }

            await Task.Delay(50);
        }

        throw new AssertionException($"the pipeline is not as expected: {last?.Explanation ?? "no coordinator"}");
    }

    public async Task RemoveAsync(ClusterNode node)
    {
        _nodes.Remove(node);
        await node.DisposeAsync();
    }

    /// <summary>Cuts a node off as a kill would: nobody hears a word of it any more.</summary>
    public async Task CrashAsync(ClusterNode node)
    {
        _nodes.Remove(node);
        await ((IRemoteActorRefProvider)((ExtendedActorSystem)node.System).Provider).Transport.Shutdown();

        // What is left of it ends when it can: without a transport that takes its time.
        _ = node.System.Terminate();
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));

    private List<string> Seeds() => _nodes.Count == 0 ? [] : [_nodes[0].Address];
}
