using System.CommandLine;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Clusters;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary>
/// <c>ppsd cluster drain ADDRESS</c>: tells a stage node to finish its sessions and leave, and waits until it has. The
/// same as a SIGTERM on the node's own machine.
/// </summary>
internal sealed class ClusterDrainCommand : PpsdCommand
{
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(250);

    private readonly ClusterOptions _cluster = new();
    private readonly Argument<string> _address = new("ADDRESS")
    {
        Description = "The node, as HOST:PORT; 'ppsd cluster status' lists them.",
    };

    public ClusterDrainCommand(TimeProvider clock)
        : base("drain", "Lets a stage node finish its sessions and leave.", clock)
    {
        Add(_address);
        Add(_cluster);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var given = parsed.GetValue(_address)!;
        var address = SeedAddress.Parse(given);
        await using var cluster = await _cluster.JoinAsync(parsed, Clock, cancellation);
        if (await FindAsync(cluster, address) is null)
        {
            throw new UserErrorException(
                $"expected the address of a member, found '{given}'; 'ppsd cluster status' lists them"
            );
        }

        if (await cluster.DrainAsync(address) is not { } draining)
        {
            throw new UserErrorException($"{given} holds no stage, or does not answer");
        }

        Console.Error.WriteLine(
            draining.HasPipeline ? $"{given} finishes its sessions and leaves" : $"{given} leaves: no pipeline needs it"
        );
        while (await FindAsync(cluster, address) is not null)
        {
            await Task.Delay(_pollInterval, Clock, cancellation);
        }

        var now = await cluster.LookAsync();
        StandardOutput.WriteLine($"{given} has left; {now.Explanation}");
        return 0;
    }

    private static async Task<MemberSnapshot?> FindAsync(ClusterObserver cluster, string address) =>
        (await cluster.LookAsync()).Members.FirstOrDefault(member =>
            HostAndPort(member.Address) == HostAndPort(address)
        );

    private static string HostAndPort(string address) =>
        address[(address.IndexOf('@', StringComparison.Ordinal) + 1)..];
}
