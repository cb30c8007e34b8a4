using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.SBR;

namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// The <c>akka.cluster.downing-provider-class</c>: Akka's split brain resolver, replaced by <see cref="OneWayDowningActor"/>'s verdict
/// where links carry one direction only. It reads the settings of <c>split-brain-resolver</c>; with a strategy other than
/// <c>keep-oldest</c> Akka's resolver works alone.
/// </summary>
public sealed class OneWayDowningProvider : IDowningProvider
{
    private readonly ActorSystem _system;
    private readonly Akka.Cluster.Cluster _cluster;
    private readonly SplitBrainResolverProvider _akka;

    /// <summary>Called by Akka.</summary>
    public OneWayDowningProvider(ActorSystem system, Akka.Cluster.Cluster cluster)
    {
        _system = system;
        _cluster = cluster;
        _akka = new SplitBrainResolverProvider(system, cluster);
    }

    /// <inheritdoc />
    public TimeSpan DownRemovalMargin => _akka.DownRemovalMargin;

    /// <inheritdoc />
    public Props DowningActorProps
    {
        get
        {
            var settings = _system.Settings.Config.GetConfig("akka.cluster.split-brain-resolver");
            if (settings.GetString("active-strategy") != "keep-oldest")
            {
                return _akka.DowningActorProps;
            }

            var (cluster, akka) = (_cluster, _akka);
            var role = settings.GetString("keep-oldest.role", "");
            var watch = () =>
                new PartitionWatch<UniqueAddress>(
                    cluster.SelfUniqueAddress,
                    settings.GetTimeSpan("stable-after"),
                    oldestMayBeAlone: !settings.GetBoolean("keep-oldest.down-if-alone"),
                    TimeProvider.System
                );
            return Props.Create(() => new OneWayDowningActor(cluster, () => akka.DowningActorProps, role, watch));
        }
    }
}
