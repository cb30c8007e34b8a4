using System.CommandLine;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Commands;

/// <summary>Options that say how this process meets others.</summary>
internal sealed class NodeOptions
{
    private readonly Option<string?> _config = OptionFactory.Text(
        "--config",
        "FILE",
        "HOCON file that overrides the built-in settings."
    );

    private readonly Option<string?> _hostname = OptionFactory.Text(
        "--hostname",
        "HOST",
        "Address to bind; 127.0.0.1 by default."
    );

    private readonly Option<string?> _publicHostname = OptionFactory.Text(
        "--public-hostname",
        "HOST",
        "Address others reach this node at, if it is not the one it binds."
    );

    private readonly Option<int?> _port = OptionFactory.Number(
        "--port",
        "PORT",
        "Port to bind; a free one by default.",
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
