using System.CommandLine;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Host.Clusters;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Commands;

/// <summary>Options of every command that looks at a cluster: which one, and how to join it.</summary>
internal sealed class ClusterOptions : IOptionGroup
{
    private const int DefaultWaitSeconds = 10;

    private readonly NodeOptions _node = new();

    private readonly Option<string[]> _join = OptionFactory.Texts(
        "--join",
        "HOST:PORT",
        "Member of the cluster; may be given several times."
    );

    private readonly Option<int?> _wait = OptionFactory.Number(
        "--wait",
        "SECONDS",
        $"How long to wait for the cluster to answer; {DefaultWaitSeconds} by default.",
        1,
        86_400
    );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_join);
        command.Options.Add(_wait);
        _node.AddTo(command);
    }

    /// <summary>Joins the cluster they name and waits until it answers.</summary>
    /// <exception cref="UserErrorException">None is named, or it does not answer in time.</exception>
    public async Task<ClusterObserver> JoinAsync(ParseResult parsed, TimeProvider clock, CancellationToken cancellation)
    {
        var seeds = parsed.GetValue(_join)!;
        var config = _node.Settings(parsed).Load(NodeRole.Client);
        if (seeds.Length == 0 && config.GetStringList("akka.cluster.seed-nodes").Count == 0)
        {
            throw new UserErrorException("expected --join HOST:PORT (a member of the cluster), found none");
        }

        return await ClusterObserver.JoinAsync(
            ClusterNode.StartClient(config, [.. seeds.Select(SeedAddress.Parse)]),
            seeds,
            TimeSpan.FromSeconds(parsed.GetValue(_wait) ?? DefaultWaitSeconds),
            clock,
            cancellation
        );
    }
}
