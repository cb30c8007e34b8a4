using System.CommandLine;
using Ppsd.Host.Bench.Serving;

namespace Ppsd.Host.Commands;

/// <summary>Options that say what load a server gets.</summary>
internal sealed class ServeLoadOptions : IOptionGroup
{
    private static readonly ServeBenchSettings _defaults = new();

    private readonly Option<string?> _baseUrl = OptionFactory.Text(
        "--base-url",
        "URL",
        "Server to measure, such as http://127.0.0.1:8000; by default one of this program's own, with its baselines."
    );

    private readonly Option<string?> _apiKey = OptionFactory.Text("--api-key", "KEY", "Key of that server.");

    private readonly Option<string?> _modelName = OptionFactory.Text(
        "--model-name",
        "NAME",
        "Model to ask that server for; the first it names by default."
    );

    private readonly Option<string?> _prompts = OptionFactory.Text(
        "--prompts",
        "FILE",
        "JSON lines with a prompt, messages or a question each; eight built-in questions by default."
    );

    private readonly Option<int?> _concurrency = OptionFactory.Number(
        "--concurrency",
        "N",
        $"Requests at once; {_defaults.Concurrency} by default.",
        1,
        1024
    );

    private readonly Option<int?> _requests = OptionFactory.Number(
        "--requests",
        "N",
        $"Requests in all; {_defaults.RequestCount} by default.",
        1,
        1_000_000
    );

    private readonly Option<double?> _requestRate = OptionFactory.Number(
        "--request-rate",
        "R",
        "Requests a second, evenly spaced; by default each is sent as soon as there is room for it.",
        0.001,
        1_000_000.0
    );

    private readonly Option<int?> _maxTokens = OptionFactory.Number(
        "--max-tokens",
        "N",
        $"Tokens of every answer; {_defaults.MaxTokens} by default.",
        1,
        int.MaxValue
    );

    private readonly Option<float?> _temperature = OptionFactory.Number(
        "--temperature",
        "T",
        "Divides logits before drawing; 0 by default: the most probable token.",
        0f,
        100f
    );

    private readonly Option<long?> _seed = OptionFactory.Number(
        "--seed",
        "S",
        "Key of the noise that tokens are drawn with; 0 by default.",
        0L,
        long.MaxValue
    );

    private readonly Option<string?> _decode = OptionFactory.Choice(
        "--decode",
        "How the server is to decode; its own default by default.",
        "ppsd",
        "autoregressive"
    );

    private readonly Option<int?> _overheadPairs = OptionFactory.Number(
        "--overhead-pairs",
        "N",
        "Requests sent both over HTTP and straight to the pipeline, alone; 24 by default.",
        1,
        100_000
    );

    private readonly Option<string?> _output = OptionFactory.Choice(
        "--output",
        "How to print; vLLM's block by default.",
        "text",
        "json"
    );

    public ServeLoadOptions() => _output.Aliases.Add("-o");

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (
            var option in (Option[])
                [
                    _baseUrl,
                    _apiKey,
                    _modelName,
                    _prompts,
                    _concurrency,
                    _requests,
                    _requestRate,
                    _maxTokens,
                    _temperature,
                    _seed,
                    _decode,
                    _overheadPairs,
                    _output,
                ]
        )
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The server to measure; null for one of our own.</summary>
    /// <exception cref="UserErrorException">It is no address of one.</exception>
    public Uri? BaseUrl(ParseResult parsed) =>
        parsed.GetValue(_baseUrl) switch
        {
            null => null,
            { } given
                when Uri.TryCreate(given, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" =>
                address,
            { } other => throw new UserErrorException($"--base-url: expected http://HOST:PORT, found '{other}'"),
        };

    /// <summary>Key of that server.</summary>
    public string? ApiKey(ParseResult parsed) => parsed.GetValue(_apiKey);

    /// <summary>Model to ask for.</summary>
    public string? ModelName(ParseResult parsed) => parsed.GetValue(_modelName);

    /// <summary>File of prompts.</summary>
    public string? Prompts(ParseResult parsed) => parsed.GetValue(_prompts);

    /// <summary>Requests measured both ways.</summary>
    public int OverheadPairs(ParseResult parsed) => parsed.GetValue(_overheadPairs) ?? 24;

    /// <summary>True for JSON.</summary>
    public bool WantsJson(ParseResult parsed) => parsed.GetValue(_output) == "json";

    /// <summary>The load they ask for.</summary>
    public ServeBenchSettings Settings(ParseResult parsed) =>
        new()
        {
            Concurrency = parsed.GetValue(_concurrency) ?? _defaults.Concurrency,
            RequestCount = parsed.GetValue(_requests) ?? _defaults.RequestCount,
            RequestsPerSecond = parsed.GetValue(_requestRate) ?? _defaults.RequestsPerSecond,
            MaxTokens = parsed.GetValue(_maxTokens) ?? _defaults.MaxTokens,
            Temperature = parsed.GetValue(_temperature) ?? _defaults.Temperature,
            Seed = parsed.GetValue(_seed) ?? _defaults.Seed,
            Speculation = parsed.GetValue(_decode) is { } decode ? decode == "ppsd" : null,
        };
}
