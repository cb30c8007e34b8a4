using System.CommandLine;
using System.Net.Http.Headers;
using Ppsd.Host.Api;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Serving;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Serving;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Terminal;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench serve</c>: an OpenAI-compatible server under load, one of its own or another.</summary>
internal sealed class BenchServeCommand : PpsdCommand
{
    private const int WarmUpRequests = 8;

    private readonly ModelOptions _model = new();
    private readonly ServeLoadOptions _load = new();
    private readonly PlacementOptions _placement = new(new NodeOptions(hasShortNames: false));

    public BenchServeCommand(TimeProvider clock)
        : base("serve", "Sends many requests at once to a server and times their answers.", clock)
    {
        Add(_load);
        Add(_model);
        Add(_placement);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        _placement.Check(parsed);
        var report = _load.BaseUrl(parsed) is { } address
            ? await RunElsewhereAsync(parsed, address, cancellation)
            : await RunHereAsync(parsed, cancellation);
        if (_load.WantsJson(parsed))
        {
            StandardOutput.WriteLine(report.ToJson());
        }
        else
        {
            report.Print(StandardOutput.Writer);
        }

        return report.HasFailures ? 1 : 0;
    }

    private async Task<ServeReport> RunElsewhereAsync(ParseResult parsed, Uri address, CancellationToken cancellation)
    {
        using var http = Connect(address, _load.ApiKey(parsed));
        var client = new ServeClient(http, Clock);
        var settings = _load.Settings(parsed) with { IsPpsd = await client.IsPpsdAsync(cancellation) };
        var requests = Requests(parsed, _load.ModelName(parsed) ?? await client.ModelAsync(cancellation), settings);
        var round = await new ServeBench(client, Clock).RunAsync(requests, settings, cancellation);
        return new ServeReport(Describe($"{address}", settings), round, null, null);
    }

    private async Task<ServeReport> RunHereAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _placement.Stages, Clock);
        await using var pipeline = await _placement.StartAsync(parsed, assets, Clock, cancellation);
        await using var server = await ApiServer.StartAsync(
            assets,
            pipeline,
            new ServerSettings { Port = 0, MaxRunning = 1024 },
            Clock
        );
        using var http = Connect(server.Address, key: null);
        var client = new ServeClient(http, Clock);
        var bench = new ServeBench(client, Clock);
        var settings = _load.Settings(parsed);
        var requests = Requests(parsed, assets.Name, settings);
        var one = settings with
        {
            Concurrency = 1,
            RequestCount = WarmUpRequests,
            RequestsPerSecond = double.PositiveInfinity,
        };

        await new WarmUp(Clock).RunAsync(async () =>
        {
            await bench.RunAsync(requests, one, cancellation);
            await bench.RunAsync(requests, settings with { RequestCount = settings.Concurrency }, cancellation);
        });
        var overhead = await new ApiOverhead(client, new ServedModel(assets.Name, assets), pipeline, Clock).RunAsync(
            requests,
            _load.OverheadPairs(parsed),
            cancellation
        );

        // Before and behind, so that a machine that grows busier or calmer meanwhile favours neither.
        var before = await bench.RunAsync(requests, one, cancellation);
        var round = await bench.RunAsync(requests, settings, cancellation);
        var alone = before + await bench.RunAsync(requests, one, cancellation);
        return new ServeReport(Describe(DescribePipeline(assets, pipeline), settings), round, alone, overhead);
    }

    private List<ServeRequest> Requests(ParseResult parsed, string model, ServeBenchSettings settings)
    {
        var file = new ServeRequestFile(model, settings);
        return _load.Prompts(parsed) is { } path ? file.Read(path) : [.. BuiltInQuestions.All.Select(file.Ask)];
    }

    private static HttpClient Connect(Uri address, string? key)
    {
        var http = new HttpClient
        {
            // Clients of OpenAI's write the base with /v1 behind it.
            BaseAddress = new Uri(
                address,
                address.AbsolutePath.TrimEnd('/') is "/v1" or "" ? "/" : $"{address.AbsolutePath.TrimEnd('/')}/"
            ),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (key is not null)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return http;
    }

    private static string DescribePipeline(ModelAssets assets, IPipeline pipeline) =>
        $"{assets.Name} on {pipeline.Formed.Stages.Length} stages, {pipeline.Formed.Stages[0].Description.Device}";

    private static string Describe(string server, ServeBenchSettings settings) =>
        $"{server}; {settings.RequestCount} requests of {settings.MaxTokens} tokens, {settings.Concurrency} at a time"
        + (double.IsInfinity(settings.RequestsPerSecond) ? "" : $", {settings.RequestsPerSecond} a second")
        + $"; {(SamplingParameters.IsGreedyAt(settings.Temperature) ? "greedy" : $"temperature {settings.Temperature}, seed {settings.Seed}")}; {Environment.ProcessorCount} cores";
}
