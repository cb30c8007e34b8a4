using Akka.Configuration;
using Ppsd.Actors.Configuration;

namespace Ppsd.Host.Pipelines;

/// <summary>How this process meets others: addresses and a user's own HOCON.</summary>
internal sealed record NodeSettings
{
    /// <summary>HOCON file that overrides the built-in ones.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>Address to bind; loopback unless told otherwise.</summary>
    public string Hostname { get; init; } = "127.0.0.1";

    /// <summary>Address others reach this node at, if it is another one (containers).</summary>
    public string? PublicHostname { get; init; }

    /// <summary>Port to bind; 0 for a free one.</summary>
    public int Port { get; init; }

    /// <summary>The configuration of a role with these settings.</summary>
    public Config Load(NodeRole role, string overrides = "")
    {
        var remote =
            role == NodeRole.Local
                ? ""
                : $$"""

                    akka.remote.dot-netty.tcp.hostname = "{{Hostname}}"
                    akka.remote.dot-netty.tcp.port = {{Port}}
                    {{(PublicHostname is null ? "" : $"akka.remote.dot-netty.tcp.public-hostname = \"{PublicHostname}\"")}}
                    """;
        try
        {
            return PpsdConfig.Load(role, ConfigFile, overrides + remote);
        }
        catch (ConfigurationException e)
        {
            throw new UserErrorException(e.Message, e);
        }
    }
}
