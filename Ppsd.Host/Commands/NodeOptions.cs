using System.CommandLine;
using System.Globalization;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Remoting;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Commands;

/// <summary>Options that say how this process meets others.</summary>
/// <param name="hasShortNames">
/// Whether the options about the node's address may also be called without <c>cluster-</c>, as they once were; not where a command
/// has others of those names.
/// </param>
/// <param name="hasLinkDelay">Whether links between the stages of this process can be made slow: a benchmark's.</param>
internal sealed class NodeOptions(bool hasShortNames = true, bool hasLinkDelay = false) : IOptionGroup
{
    /// <summary>The address that a node binds.</summary>
    public const string HostnameOption = "--cluster-hostname";

    /// <summary>The address that others reach it at.</summary>
    public const string PublicHostnameOption = "--cluster-public-hostname";

    /// <summary>The port that it binds.</summary>
    public const string PortOption = "--cluster-port";

    private const string ClusterSecretOption = "--cluster-secret";

    private readonly Option<string?> _config = OptionFactory.Text(
        "--config",
        "FILE",
        "HOCON file that overrides the built-in settings."
    );

    private readonly Option<string?> _hostname = OptionFactory.Text(
        HostnameOption,
        "HOST",
        "Address to bind to meet other nodes; 127.0.0.1 by default."
    );

    private readonly Option<string?> _publicHostname = OptionFactory.Text(
        PublicHostnameOption,
        "HOST",
        "Address other nodes reach this one at, if it is not the one it binds."
    );

    private readonly Option<int?> _port = OptionFactory.Number(
        PortOption,
        "PORT",
        "Port to bind to meet other nodes; a free one by default.",
        0,
        65535
    );

    private readonly Option<string?> _tls = OptionFactory.Text(
        "--tls",
        "DIR",
        "TLS between nodes: folder with tls.crt, tls.key and ca.crt. Peers must show a certificate that ca.crt signed."
    );

    private readonly Option<string?> _tlsCertificate = OptionFactory.Text(
        "--tls-cert",
        "FILE",
        "This node's certificate (PEM), instead of --tls."
    );

    private readonly Option<string?> _tlsKey = OptionFactory.Text("--tls-key", "FILE", "Its key (PEM).");

    private readonly Option<string?> _tlsAuthority = OptionFactory.Text(
        "--tls-ca",
        "FILE",
        "Authorities that sign the peers' certificates (PEM)."
    );

    private readonly Option<string?> _clusterSecret = OptionFactory.Text(
        ClusterSecretOption,
        "SECRET",
        "What all nodes and clients of the cluster share; who cannot prove to have it gets in touch with none. Better in the environment."
    );

    private readonly Option<string?> _resume = OptionFactory.Choice(
        "--resume",
        "Whether another pipeline goes on with a text when a stage has died: on by default, off for an error.",
        "on",
        "off"
    );

    private readonly Option<int?> _maxResumes = OptionFactory.Number(
        "--max-resumes",
        "N",
        "Most times for one text; 3 by default, then an error.",
        0,
        1000
    );

    private readonly Option<double?> _linkDelay = OptionFactory.Number(
        "--link-delay",
        "MS",
        "Milliseconds that each message between stages takes longer, one way: a slow network, for stages in this process.",
        0.0,
        10_000.0
    );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        if (hasLinkDelay)
        {
            command.Options.Add(_linkDelay);
        }

        command.Options.Add(_resume);
        command.Options.Add(_maxResumes);
        command.Options.Add(_config);
        foreach (var option in (Option[])(hasShortNames ? [_hostname, _publicHostname, _port] : []))
        {
            option.Aliases.Add(option.Name.Replace("cluster-", "", StringComparison.Ordinal));
        }

        command.Options.Add(_hostname);
        command.Options.Add(_publicHostname);
        command.Options.Add(_port);
        command.Options.Add(_tls);
        command.Options.Add(_tlsCertificate);
        command.Options.Add(_tlsKey);
        command.Options.Add(_tlsAuthority);
        command.Options.Add(_clusterSecret);
    }

    /// <summary>The settings they ask for.</summary>
    public NodeSettings Settings(ParseResult parsed) =>
        new()
        {
            ConfigFile = parsed.GetValue(_config),
            Hostname = parsed.GetValue(_hostname),
            PublicHostname = parsed.GetValue(_publicHostname),
            Port = parsed.GetValue(_port),
            Security = Tls(parsed) + Secret(parsed),
            Resumes = Resumes(parsed),
            Links = LinkDelayMs(parsed) is { } ms
                ? string.Create(CultureInfo.InvariantCulture, $"ppsd.pipeline.link-delay = {ms}ms\n")
                : "",
        };

    /// <summary>Value of --link-delay; null without it.</summary>
    public double? LinkDelayMs(ParseResult parsed) => hasLinkDelay ? parsed.GetValue(_linkDelay) : null;

    /// <summary>The options of TLS as given, for a child process that must speak it too.</summary>
    public IEnumerable<string> TlsArguments(ParseResult parsed)
    {
        foreach (var option in (Option<string?>[])[_tls, _tlsCertificate, _tlsKey, _tlsAuthority])
        {
            if (parsed.GetValue(option) is { } path)
            {
                yield return option.Name;
                yield return path;
            }
        }
    }

    /// <summary>The secret as given, for a child process: other users of the machine can read its command line.</summary>
    public IReadOnlyDictionary<string, string> SecretVariables(ParseResult parsed) =>
        parsed.GetValue(_clusterSecret) is { } secret
            ? new Dictionary<string, string> { [EnvironmentTwins.NameOf(_clusterSecret)] = secret }
            : [];

    /// <summary>HOCON; empty for what the files say.</summary>
    private string Resumes(ParseResult parsed)
    {
        var max = parsed.GetValue(_resume) == "off" ? 0 : parsed.GetValue(_maxResumes);
        return max is null ? "" : $"ppsd.resume.max-resumes = {max}\n";
    }

    private string Secret(ParseResult parsed) =>
        parsed.GetValue(_clusterSecret) is var secret && secret is ""
            ? throw new UserErrorException($"{ClusterSecretOption}: expected a secret, found an empty string")
            : ClusterSecret.Hocon(secret);

    private string Tls(ParseResult parsed)
    {
        Option<string?>[] files = [_tlsCertificate, _tlsKey, _tlsAuthority];
        var given = files.Count(file => parsed.GetValue(file) is not null);
        return parsed.GetValue(_tls) is null && given is > 0 and < 3
            ? throw new UserErrorException("expected --tls, or all of --tls-cert, --tls-key and --tls-ca, found some")
            : TlsSettings.Hocon(
                parsed.GetValue(_tls),
                parsed.GetValue(_tlsCertificate),
                parsed.GetValue(_tlsKey),
                parsed.GetValue(_tlsAuthority)
            );
    }
}
