using System.CommandLine;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Commands;

/// <summary>Options that say how this process meets others.</summary>
/// <param name="prefix">Stands before the names of options, where a command has others of those names.</param>
internal sealed class NodeOptions(string prefix = "")
{
    private readonly Option<string?> _config = OptionFactory.Text(
        "--config",
        "FILE",
        "HOCON file that overrides the built-in settings."
    );

    private readonly Option<string?> _hostname = OptionFactory.Text(
        $"--{prefix}hostname",
        "HOST",
        "Address to bind to meet other nodes; 127.0.0.1 by default."
    );

    private readonly Option<string?> _publicHostname = OptionFactory.Text(
        $"--{prefix}public-hostname",
        "HOST",
        "Address other nodes reach this one at, if it is not the one it binds."
    );

    private readonly Option<int?> _port = OptionFactory.Number(
        $"--{prefix}port",
        "PORT",
        "Port to bind to meet other nodes; a free one by default.",
        0,
        65535
    );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_config);
        command.Options.Add(_hostname);
        command.Options.Add(_publicHostname);
        command.Options.Add(_port);
    }

    /// <summary>The settings they ask for.</summary>
    public NodeSettings Settings(ParseResult parsed) =>
        new()
        {
            ConfigFile = parsed.GetValue(_config),
            Hostname = parsed.GetValue(_hostname),
            PublicHostname = parsed.GetValue(_publicHostname),
            Port = parsed.GetValue(_port),
        };
}
