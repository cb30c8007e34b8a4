using Akka.Configuration;
using Ppsd.Actors.Options;

namespace Ppsd.Actors.Configuration;

/// <summary>A process's role in its cluster.</summary>
public enum NodeRole
{
    /// <summary>All stages in this process; no cluster.</summary>
    Local,

    /// <summary>Holds a stage and may host the coordinator.</summary>
    Stage,

    /// <summary>Asks for generations.</summary>
    Client,

    /// <summary>Asks for generations and may host the coordinator.</summary>
    Coordinator,
}

/// <summary>
/// The HOCON of a role: the files of <c>hocon/</c>, which travel inside this assembly, below a user's own file and
/// explicit settings.
/// </summary>
public static class PpsdConfig
{
    /// <summary>The built-in settings of all roles.</summary>
    private static readonly Lazy<Config> _builtIn = new(() =>
        Enum.GetValues<NodeRole>()
            .SelectMany(FilesOf)
            .Distinct()
            .Aggregate(Config.Empty, (config, file) => config.WithFallback(Parse(ReadBuiltIn(file), $"hocon/{file}")))
    );

    /// <summary>Reads the configuration of a role.</summary>
    /// <param name="userFile">HOCON that overrides the built-in files, or null.</param>
    /// <param name="overrides">HOCON text that overrides everything.</param>
    /// <exception cref="ConfigurationException">A file cannot be read; one line.</exception>
    public static Config Load(NodeRole role, string? userFile = null, string overrides = "")
    {
        var config = ParseOfUser(overrides, "settings");
        if (userFile is not null)
        {
            config = config.WithFallback(ParseOfUser(ReadUserFile(userFile), userFile));
        }

        foreach (var file in FilesOf(role))
        {
            config = config.WithFallback(Parse(ReadBuiltIn(file), $"hocon/{file}"));
        }

        return config;
    }

    /// <summary>The protocol's settings in a configuration.</summary>
    public static PipelineOptions PipelineOptions(Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var section = config.GetConfig("ppsd.pipeline");
        return PipelineOptionsValidator.Validated(
            new PipelineOptions
            {
                CreditWindow = section.GetInt("credit-window"),
                SpeculationWindow = section.GetInt("speculation-window"),
                ParallelStages = section.GetInt("parallel-stages"),
                PrefillChunk = section.GetInt("prefill-chunk"),
                // What remoting encrypts must not travel beside it in the clear.
                DirectLinks = section.GetBoolean("direct-links") && !TlsSettings.IsOn(config),
                LinkDelay = section.GetTimeSpan("link-delay"),
                BusyWait = section.GetTimeSpan("busy-wait"),
                StallTimeout = section.GetTimeSpan("stall-timeout"),
                HousekeepingInterval = section.GetTimeSpan("housekeeping-interval"),
                MaxWaitingSessions = section.GetInt("max-waiting-sessions"),
                ReplayMemory = section.GetLong("replay-memory"),
                ReplayPatience = section.GetTimeSpan("replay-patience"),
            }
        );
    }

    /// <summary>The same configuration, but listening at this port.</summary>
    public static Config AtPort(Config config, int port) =>
        ConfigurationFactory.ParseString($"akka.remote.dot-netty.tcp.port = {port}").WithFallback(config);

    /// <summary>Built-in files of a role, the most specific first.</summary>
    internal static string[] FilesOf(NodeRole role) =>
        role switch
        {
            NodeRole.Local => ["local.conf", "common.conf"],
            NodeRole.Stage => ["stage.conf", "cluster.conf", "common.conf"],
            NodeRole.Coordinator => ["coordinator.conf", "cluster.conf", "common.conf"],
            NodeRole.Client => ["client.conf", "cluster.conf", "common.conf"],
            _ => throw new ArgumentOutOfRangeException(nameof(role), role, "unknown role"),
        };

    private static string ReadBuiltIn(string file)
    {
        using var stream =
            typeof(PpsdConfig).Assembly.GetManifestResourceStream($"hocon/{file}")
            ?? throw new ConfigurationException($"hocon/{file} is not part of this build");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string ReadUserFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Parses and refuses settings of ours that nothing reads, whichever role they would be for.</summary>
    private static Config ParseOfUser(string hocon, string source)
    {
        var config = Parse(hocon, source);
        return KnownSettings.Refusal(config, _builtIn.Value) is { } reason
            ? throw new ConfigurationException($"{source}: {reason}")
            : config;
    }

    private static Config Parse(string hocon, string source)
    {
        try
        {
            return string.IsNullOrWhiteSpace(hocon) ? Config.Empty : ConfigurationFactory.ParseString(hocon);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The parser throws whatever type its state machine tripped over.
            throw new ConfigurationException($"{source}: not valid HOCON: {e.Message}", e);
        }
    }
}
