using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Configuration;
using Ppsd.Actors.Configuration;

namespace Ppsd.Host.Pipelines;

/// <summary>
/// Addresses of this process and the user's own HOCON. Values that are not given come from the HOCON files, which is a
/// free port on loopback.
/// </summary>
internal sealed record NodeSettings
{
    private const string AllAddresses = "0.0.0.0";

    /// <summary>HOCON file that overrides the built-in ones.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>Address to bind.</summary>
    public string? Hostname { get; init; }

    /// <summary>
    /// Address others reach this node at, if it is another one (containers); a node that binds all addresses takes the
    /// one its own name resolves to.
    /// </summary>
    public string? PublicHostname { get; init; }

    /// <summary>Port to bind; 0 for a free one.</summary>
    public int? Port { get; init; }

    /// <summary>HOCON of TLS between nodes and of the cluster's secret; empty for what the files say.</summary>
    public string Security { get; init; } = "";

    /// <summary>HOCON of how often a text is resumed; empty for what the files say.</summary>
    public string Resumes { get; init; } = "";

    /// <summary>HOCON of links that are made slow; empty for what the files say.</summary>
    public string Links { get; init; } = "";

    /// <summary>The configuration of a role with these settings.</summary>
    /// <exception cref="UserErrorException">A file cannot be read, or a host name is invalid.</exception>
    public Config Load(NodeRole role, string overrides = "")
    {
        if (ConfigFile is not null)
        {
            UserFiles.Require("--config", ConfigFile);
        }

        try
        {
            var config = PpsdConfig.Load(
                role,
                ConfigFile,
                role == NodeRole.Local ? $"{overrides}\n{Links}" : $"{overrides}\n{Resumes}{Security}{Remote()}"
            );
            foreach (var (setting, file) in TlsSettings.Files(config))
            {
                UserFiles.RefusePipe(TlsOption(setting), file);
            }

            return config;
        }
        catch (ConfigurationException e)
        {
            throw new UserErrorException(e.Message, e);
        }
    }

    /// <summary>The option that gives a setting of TLS.</summary>
    private static string TlsOption(string setting) =>
        setting switch
        {
            "certificate" => "--tls-cert",
            "key" => "--tls-key",
            "authority" => "--tls-ca",
            _ => "--tls",
        };

    private string Remote()
    {
        var remote = new StringBuilder("\n");
        Set("hostname", Checked(Hostname, "--cluster-hostname"));
        Set("public-hostname", Checked(PublicHostname, "--cluster-public-hostname") ?? OwnAddress());
        Set("port", Port?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return remote.ToString();

        void Set(string key, string? value)
        {
            if (value is not null)
            {
                remote.AppendLine($"akka.remote.dot-netty.tcp.{key} = \"{value}\"");
            }
        }
    }

    /// <summary>Checks a host name, because it is inserted into HOCON unquoted.</summary>
    private static string? Checked(string? name, string option) =>
        name is null || Uri.CheckHostName(name) != UriHostNameType.Unknown
            ? name
            : throw new UserErrorException($"{option}: expected a host name or address, found '{name}'");

    private string? OwnAddress() =>
        Hostname == AllAddresses
            ? Dns.GetHostAddresses(Dns.GetHostName(), AddressFamily.InterNetwork)
                .FirstOrDefault(address => !IPAddress.IsLoopback(address))
                ?.ToString()
            : null;
}
