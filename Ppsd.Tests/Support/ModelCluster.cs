using Ppsd.Actors.Chat;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Support;

/// <summary>The bundled model on two stage nodes of this process, over real sockets.</summary>
internal sealed class ModelCluster : IAsyncDisposable
{
    private readonly List<ClusterNode> _nodes = [];

    private ModelCluster(ModelAssets assets) => Assets = assets;

    public ModelAssets Assets { get; }

    public IReadOnlyList<ClusterNode> Nodes => _nodes;

    /// <summary>Address of a member, as HOST:PORT.</summary>
    public string Seed => _nodes[0].Address.Split('@')[1];

    public static async Task<ModelCluster> StartAsync(string hocon = "")
    {
        var cluster = new ModelCluster(
            ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System)
        );
        cluster.AddStage(hocon);
        cluster.AddStage(hocon);
        await ToyCluster.FormedAsync(cluster._nodes[0]);
        return cluster;
    }

    public PpsdChatClient AddChatClient() => PpsdChatClient.Join(Seed);

    public async ValueTask DisposeAsync() => await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));

    private void AddStage(string hocon)
    {
        var factory = new StageRuntimeFactory(Assets, new StageSettings { Devices = ["cpu"], Threads = 1 });
        var node = new StageNode
        {
            ModelFingerprint = Assets.Fingerprint,
            LayerCount = Assets.Config.LayerCount,
            CreateTextModel = client => new GatewayModel(client, Assets, DraftSettings.Usual(Assets)),
            CreateRuntime = layers => factory.Load(layers, stage: 0),
        };
        _nodes.Add(
            ClusterNode.StartStage(
                PpsdConfig.Load(NodeRole.Stage, overrides: hocon),
                [.. _nodes.Take(1).Select(first => first.Address)],
                node,
                new ClusterPlan(2, []),
                TimeProvider.System
            )
        );
    }
}
