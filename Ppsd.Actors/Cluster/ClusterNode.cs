using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster.Partitions;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Remoting;
using Ppsd.Actors.Snapshots;
using Ppsd.Actors.Text;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// This process as a member of a cluster, as a stage node or as a client. Disposing leaves politely: the others learn
/// of it at once instead of by a failure detector.
/// </summary>
public sealed class ClusterNode : IAsyncDisposable
{
    private const string CoordinatorRole = "coordinator";
    private const string StageHost = "stage-host";
    private const int DrainAttempts = 4;

    /// <summary>How often a node that finishes its work looks whether it is still a member.</summary>
    private static readonly TimeSpan _cutOffInterval = TimeSpan.FromMilliseconds(200);

    private readonly ActorSystem _system;
    private readonly IActorRef _coordinator;
    private readonly TextGateways _gateways;

    private ClusterNode(ActorSystem system)
    {
        _system = system;
        Cluster = Akka.Cluster.Cluster.Get(system);
        _coordinator = system.ActorOf(CoordinatorSingleton.Proxy(system), "coordinator-proxy");
        system.ActorOf(Props.Create(() => new UnreadFramesActor()), "unread-frames");
        Home = new ClientHome(system, _coordinator);
        Client = new PpsdClient(new OnlyHome(Home), resumes: ResumePolicy.Of(system.Settings.Config));
        _gateways = new TextGateways((ExtendedActorSystem)system);
    }

    /// <summary>Starts generations on the cluster's pipeline.</summary>
    public PpsdClient Client { get; }

    /// <summary>Where actors of clients live on it.</summary>
    internal ClientHome Home { get; }

    /// <summary>Address others reach this node at.</summary>
    public string Address => Cluster.SelfAddress.ToString();

    /// <summary>The port of that address.</summary>
    internal int Port => Cluster.SelfAddress.Port ?? 0;

    /// <summary>Completes when the node has left the cluster, for whatever reason.</summary>
    public Task Terminated => _system.WhenTerminated;

    /// <summary>Why a member that it asked to be let in refused it, or it the member; null when none did.</summary>
    public string? JoinTrouble => JoinTroubles.Of(_system).Any;

    /// <summary>True once it leaves, for any reason; nothing can be started on it any more.</summary>
    internal bool IsLeaving => CoordinatedShutdown.Get(_system).ShutdownReason is not null;

    /// <summary>True when it is in a cluster in which nobody could host the coordinator.</summary>
    internal bool IsAlone =>
        Cluster.State.Members is { Count: > 0 } members && !members.Any(member => member.HasRole(CoordinatorRole));

    /// <summary>True while no cluster has let it in.</summary>
    internal bool IsOutside => Cluster.State.Members.IsEmpty;

    /// <summary>Where its actors live.</summary>
    internal ActorSystem System => _system;

    private Akka.Cluster.Cluster Cluster { get; }

    /// <summary>Joins as a stage node that may also host the coordinator.</summary>
    /// <param name="config">Configuration of role <see cref="NodeRole.Stage"/>.</param>
    /// <param name="seeds">
    /// Addresses of members to join; empty for those of the configuration, or to be the first if it has none.
    /// </param>
    /// <param name="node">What the node offers to the cluster.</param>
    /// <param name="plan">The pipeline to form.</param>
    public static ClusterNode StartStage(
        Config config,
        IReadOnlyList<string> seeds,
        StageNode node,
        ClusterPlan plan,
        TimeProvider clock
    )
    {
        ArgumentNullException.ThrowIfNull(node);
        var options = PpsdConfig.PipelineOptions(config);
        var system = Create(node.CreateTextModel is null ? config : WithRole(config, TextGateways.Role));
        CoordinatorSingleton.Host(system, plan, clock);
        var member = new ClusterNode(system);
        member.FinishBeforeLeaving(
            system.ActorOf(Props.Create(() => new StageHostActor(node, member._coordinator, options, clock)), StageHost)
        );
        member.ServeTexts(node.CreateTextModel);
        member.Join(seeds);
        return member;
    }

    /// <summary>Joins as a node without a stage that may host the coordinator.</summary>
    /// <param name="config">Configuration of role <see cref="NodeRole.Coordinator"/>.</param>
    /// <param name="seeds">
    /// Addresses of members to join; empty for those of the configuration, or to be the first if it has none.
    /// </param>
    /// <param name="plan">The pipeline to form.</param>
    /// <param name="createTextModel">
    /// The model as a text gateway serves it, given how to start generations; null to serve no texts.
    /// </param>
    public static ClusterNode StartCoordinator(
        Config config,
        IReadOnlyList<string> seeds,
        ClusterPlan plan,
        Func<PpsdClient, ITextModel>? createTextModel = null
    )
    {
        var system = Create(createTextModel is null ? config : WithRole(config, TextGateways.Role));
        CoordinatorSingleton.Host(system, plan, TimeProvider.System);
        var member = new ClusterNode(system);
        member.ServeTexts(createTextModel);
        member.Join(seeds);
        return member;
    }

    /// <summary>Joins as a client.</summary>
    /// <param name="config">Configuration of role <see cref="NodeRole.Client"/>.</param>
    /// <param name="seeds">Addresses of members to join.</param>
    public static ClusterNode StartClient(Config config, IReadOnlyList<string> seeds)
    {
        var member = new ClusterNode(Create(config));
        member.Join(seeds);
        return member;
    }

    /// <summary>Joins as a client app.</summary>
    /// <exception cref="ArgumentException">The options cannot be used; one line.</exception>
    /// <exception cref="ConfigurationException">The HOCON file cannot be read; one line.</exception>
    public static ClusterNode Join(PpsdClientOptions options)
    {
        PpsdClientOptionsValidator.Validated(options);
        var hostname = options.Hostname is { } given ? $"akka.remote.dot-netty.tcp.hostname = \"{given}\"\n" : "";
        const string LeaveAtExit = "akka.coordinated-shutdown.run-by-clr-shutdown-hook = on\n";
        var overrides =
            LeaveAtExit
            + hostname
            + $"ppsd.resume.max-resumes = {options.MaxResumes}\n"
            + TlsSettings.Hocon(options.TlsFolder, null, null, null)
            + ClusterSecret.Hocon(options.ClusterSecret);
        return StartClient(PpsdConfig.Load(NodeRole.Client, options.ConfigFile, overrides), options.SeedNodes);
    }

    /// <summary>Starts a text and yields what comes of it; only one reader, and only once.</summary>
    internal IAsyncEnumerable<IWireMessage> GenerateTextAsync(
        StartText request,
        TimeSpan startTimeout,
        CancellationToken cancellation
    ) =>
        TextGeneration.ReadAsync(
            _system,
            parts => Props.Create(() => new TextClientActor(_gateways, request, parts, startTimeout)),
            cancellation
        );

    /// <summary>Asks the coordinator for the pipeline's state.</summary>
    /// <exception cref="AskTimeoutException">No coordinator answered in time.</exception>
    public Task<PipelineState> GetPipelineAsync(TimeSpan timeout) =>
        _coordinator.Ask<PipelineState>(new GetPipeline(), timeout);

    /// <summary>Asks a node to leave when its sessions have ended; it admits no new ones from now on.</summary>
    /// <param name="address">The node, as members are listed.</param>
    /// <param name="timeout">How long to wait for its answer.</param>
    /// <returns>Its answer; null when there is no such node or it has no stage.</returns>
    public async Task<NodeDraining?> DrainAsync(string address, TimeSpan timeout)
    {
        var path = new RootActorPath(MemberAddress.Parse(address, Cluster.SelfAddress.Protocol)) / "user" / StageHost;
        var host = ((ExtendedActorSystem)_system).Provider.ResolveActorRef(path);

        // The node may yet have to learn that this one is a member.
        NodeDraining? draining = null;
        for (var attempt = 0; attempt < DrainAttempts && draining is null; attempt++)
        {
            draining = await ActorAsk
                .OrNullAsync<NodeDraining>(host, new DrainNode(), timeout / DrainAttempts)
                .ConfigureAwait(false);
        }

        return draining;
    }

    /// <summary>
    /// The cluster's current state; members that do not answer in time are omitted and marked as such.
    /// </summary>
    /// <param name="timeout">How long to wait for the coordinator, and then for the stages.</param>
    public async Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var state = await ActorAsk
            .OrNullAsync<PipelineState>(_coordinator, new GetPipeline(), timeout)
            .ConfigureAwait(false);
        return new ClusterSnapshot
        {
            TakenAt = clock.GetUtcNow(),
            Members = Members(state?.CoordinatorAddress),
            HasCoordinator = state is not null,
            IsFormed = state?.Formed is not null,
            IsAdmitting = state?.IsAdmitting == true,
            Explanation = state?.Explanation ?? "no coordinator answers",
            Epoch = state?.Formed?.Epoch.Value ?? 0,
            ModelFingerprint = state?.Formed?.ModelFingerprint ?? "",
            Stages = state?.Formed is { } formed
                ? await StageSnapshot.AskAllAsync(formed, Address, timeout).ConfigureAwait(false)
                : [],
        };
    }

    /// <summary>Leaves the cluster and stops.</summary>
    public async ValueTask DisposeAsync() =>
        await CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClrExitReason.Instance).ConfigureAwait(false);

    private List<MemberSnapshot> Members(string? coordinatorAddress)
    {
        var state = Cluster.State;
        return
        [
            .. state.Members.Select(member => new MemberSnapshot(
                member.Address.ToString(),
                [.. member.Roles.Order(StringComparer.Ordinal)],
                member.Status.ToString(),
                !state.Unreachable.Contains(member),
                member.Address.ToString() == coordinatorAddress,
                member.Address == Cluster.SelfAddress
            )),
        ];
    }

    private void Join(IReadOnlyList<string> seeds)
    {
        // Seed nodes in the configuration are joined by Akka itself.
        var addresses = Cluster.Settings.SeedNodes;
        if (seeds.Count > 0)
        {
            addresses = [.. seeds.Select(seed => MemberAddress.Parse(seed, Cluster.SelfAddress.Protocol))];
            Cluster.JoinSeedNodes(addresses);
        }
        else if (addresses.IsEmpty)
        {
            Cluster.Join(Cluster.SelfAddress);
        }

        if (Cluster.SelfRoles.Contains(CoordinatorRole) && addresses.Exists(seed => seed != Cluster.SelfAddress))
        {
            var watch = Props.Create(() => new OtherClusterActor(addresses, CoordinatorRole, TimeProvider.System));
            ((ExtendedActorSystem)_system).SystemActorOf(watch, OtherClusterActor.Name);
        }
    }

    /// <summary>Listens first: Akka would report a port that is taken as a failure of its own, in fifty lines.</summary>
    /// <exception cref="ConfigurationException">It cannot listen where it is to, or a file of TLS is not as it must be.</exception>
    private static ActorSystem Create(Config config)
    {
        var identity = TlsSettings.Identity(config);
        var listener = Listen(config.GetConfig("akka.remote.dot-netty.tcp"));
        try
        {
            return ActorSystem.Create(
                MemberAddress.SystemName,
                BootstrapSetup
                    .Create()
                    .WithConfig(WithSeeds(config, identity.Certificate is null ? "akka.tcp" : "akka.ssl.tcp"))
                    .And(new TransportSetup(listener, identity))
            );
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private static Socket Listen(Config tcp)
    {
        var hostname = tcp.GetString("hostname", "");
        var port = tcp.GetInt("port");
        try
        {
            return ListeningSocket.Bind(hostname, port, tcp.GetInt("backlog", 4096));
        }
        catch (SocketException e)
        {
            throw NodeAddressException.Of(e, hostname, port);
        }
    }

    /// <summary>Seed nodes of the configuration, in whichever form they are written, over the protocol that is spoken.</summary>
    private static Config WithSeeds(Config config, string protocol)
    {
        var seeds = config
            .GetStringList("akka.cluster.seed-nodes")
            .Select(seed => $"\"{MemberAddress.Parse(seed, protocol)}\"")
            .ToList();
        return seeds.Count == 0
            ? config
            : ConfigurationFactory
                .ParseString($"akka.cluster.seed-nodes = [{string.Join(", ", seeds)}]")
                .WithFallback(config);
    }

    private static Config WithRole(Config config, string role)
    {
        var roles = config.GetStringList("akka.cluster.roles").Append(role).Select(name => $"\"{name}\"");
        return ConfigurationFactory
            .ParseString($"akka.cluster.roles = [{string.Join(", ", roles)}]")
            .WithFallback(config);
    }

    private void ServeTexts(Func<PpsdClient, ITextModel>? createModel)
    {
        if (createModel is not null)
        {
            var model = createModel(Client);
            var maxTexts = _system.Settings.Config.GetInt("ppsd.text.max-texts");
            FinishBeforeLeaving(
                _system.ActorOf(Props.Create(() => new TextGatewayActor(model, maxTexts)), TextGateways.ActorName)
            );
        }
    }

    /// <summary>
    /// Registers an actor whose work is finished before the node leaves, within the drain timeout. Not where the cluster has removed
    /// the node, nor any longer once it does: nobody reads that work any more, and while the node stays, its word of whom it cannot
    /// reach makes others doubt members that are well. One that wakes from a long pause learns of it seconds later.
    /// </summary>
    private void FinishBeforeLeaving(IActorRef actor)
    {
        var timeout = _system.Settings.Config.GetTimeSpan("ppsd.cluster.drain-timeout");
        CoordinatedShutdown
            .Get(_system)
            .AddTask(
                CoordinatedShutdown.PhaseBeforeServiceUnbind,
                $"drain-{actor.Path.Name}",
                async () =>
                {
                    if (!Membership.IsCutOff(_system))
                    {
                        var drained = ActorAsk.OrNullAsync<Drained>(actor, Drain.Instance, timeout);
                        while (!drained.IsCompleted && !Membership.IsCutOff(_system))
                        {
                            await Task.WhenAny(drained, Task.Delay(_cutOffInterval)).ConfigureAwait(false);
                        }
                    }

                    return Akka.Done.Instance;
                }
            );
    }
}
