using System.CommandLine;
using System.Net;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Host.Commands;

/// <summary>Options of the HTTP server.</summary>
internal sealed class ServerOptions : IOptionGroup
{
    private static readonly ServerSettings _defaults = new();

    private readonly Option<string?> _host = OptionFactory.Text(
        "--host",
        "HOST",
        "Address to listen at; 127.0.0.1 by default, 0.0.0.0 for all."
    );

    private readonly Option<int?> _port = OptionFactory.Number(
        "--port",
        "PORT",
        "Port to listen at; 8000 by default, 0 for a free one.",
        0,
        65535
    );

    private readonly Option<string?> _apiKey = OptionFactory.Text(
        "--api-key",
        "KEY",
        "Key that requests must carry as 'Authorization: Bearer KEY'; none by default."
    );

    private readonly Option<string[]> _corsOrigin = OptionFactory.Texts(
        "--cors-origin",
        "ORIGIN",
        "Lets web pages of this origin use the API, * for all; may be given several times, or with commas between. None by default."
    );

    private readonly Option<string?> _servedModelName = OptionFactory.Text(
        "--served-model-name",
        "NAME",
        "What clients call the model; its folder's name by default."
    );

    private readonly Option<int?> _maxRunning = OptionFactory.Number(
        "--max-running",
        "N",
        $"Requests on the pipeline at once; {_defaults.MaxRunning} by default.",
        1,
        100_000
    );

    private readonly Option<int?> _maxQueue = OptionFactory.Number(
        "--max-queue",
        "N",
        $"Requests that may wait for their turn; {_defaults.MaxQueue} by default. One more gets status 429.",
        0,
        1_000_000
    );

    private readonly Option<long?> _maxBodyBytes = OptionFactory.Number(
        "--max-body-bytes",
        "N",
        $"Longest body of a request; {_defaults.MaxBodyBytes} by default. A longer one gets status 413.",
        1024L,
        1L << 30
    );

    private readonly Option<int?> _defaultMaxTokens = OptionFactory.Number(
        "--default-max-tokens",
        "N",
        "Most tokens of a chat answer whose request does not say; what the context holds by default.",
        1,
        int.MaxValue
    );

    private readonly Option<bool> _perRequestMetrics = OptionFactory.Switch(
        "--per-request-metrics",
        "Answers every request with its own figures."
    );

    private readonly Option<double?> _pingSeconds = OptionFactory.Number(
        "--ping-seconds",
        "S",
        $"Silence in a stream before a comment is sent; {_defaults.PingInterval.TotalSeconds:0} by default.",
        0.1,
        3600
    );

    private readonly Option<double?> _drainSeconds = OptionFactory.Number(
        "--drain-seconds",
        "S",
        $"How long running requests may go on when the server stops; {_defaults.DrainTimeout.TotalSeconds:0} by default.",
        0,
        3600.0
    );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (
            var option in (Option[])
                [
                    _host,
                    _port,
                    _apiKey,
                    _corsOrigin,
                    _servedModelName,
                    _maxRunning,
                    _maxQueue,
                    _maxBodyBytes,
                    _defaultMaxTokens,
                    _perRequestMetrics,
                    _pingSeconds,
                    _drainSeconds,
                ]
        )
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The settings they ask for.</summary>
    public ServerSettings Settings(ParseResult parsed) =>
        new()
        {
            Host = parsed.GetValue(_host) ?? _defaults.Host,
            Port = parsed.GetValue(_port) ?? _defaults.Port,
            ApiKey = Key(parsed.GetValue(_apiKey)),
            CorsOrigins = CrossOrigin.Parse(parsed.GetValue(_corsOrigin)!),
            ModelName = parsed.GetValue(_servedModelName),
            MaxRunning = parsed.GetValue(_maxRunning) ?? _defaults.MaxRunning,
            MaxQueue = parsed.GetValue(_maxQueue) ?? _defaults.MaxQueue,
            MaxBodyBytes = parsed.GetValue(_maxBodyBytes) ?? _defaults.MaxBodyBytes,
            PingInterval = Seconds(parsed.GetValue(_pingSeconds)) ?? _defaults.PingInterval,
            DrainTimeout = Seconds(parsed.GetValue(_drainSeconds)) ?? _defaults.DrainTimeout,
            Defaults = new RequestDefaults
            {
                ChatMaxTokens = parsed.GetValue(_defaultMaxTokens),
                IncludesMetrics = parsed.GetValue(_perRequestMetrics),
            },
        };

    /// <summary>True when other machines can reach the server and nothing keeps them out.</summary>
    public static bool IsOpenToOthers(ServerSettings settings) =>
        settings.ApiKey is null
        && settings.Host != "localhost"
        && !(IPAddress.TryParse(settings.Host, out var address) && IPAddress.IsLoopback(address));

    private static string? Key(string? key) =>
        key is not "" ? key : throw new UserErrorException("--api-key: expected a key, found an empty string");

    private static TimeSpan? Seconds(double? seconds) => seconds is { } given ? TimeSpan.FromSeconds(given) : null;
}
