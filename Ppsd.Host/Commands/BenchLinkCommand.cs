using System.CommandLine;
using System.Text.Json.Nodes;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Link;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench link</c>: what a hop between two stage processes costs, by the size of what it carries.</summary>
internal sealed class BenchLinkCommand : PpsdCommand
{
    /// <summary>A hidden state of 4096 values, eight of them, a chunk of 64, a chunk of 512.</summary>
    private static readonly int[] _defaultPayloads = [1024, 16384, 131072, 1048576, 8388608];

    private readonly NodeOptions _node = new();
    private readonly ReportOptions _report = new();
    private readonly PlotOption _plot = new();

    private readonly Option<int[]?> _payloads = OptionFactory.Counts(
        "--payloads",
        "BYTES,BYTES,…",
        "Bytes of hidden states in a message; 1 KiB to 8 MiB by default."
    );

    private readonly Option<int?> _messages = OptionFactory.Number(
        "--messages",
        "N",
        "Messages of each size, fewer of large ones; 500 by default.",
        1,
        1_000_000
    );

    private readonly Option<bool> _local = OptionFactory.Switch("--in-process", "Keeps both ends in one process.");

    public BenchLinkCommand(TimeProvider clock)
        : base("link", "Measures the link between two stages by payload.", clock)
    {
        Add(_payloads);
        Add(_messages);
        Add(_local);
        Add(_report);
        Add(_plot);
        Add(_node);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var payloads = parsed.GetValue(_payloads) is { Length: > 0 } given ? given : _defaultPayloads;
        var isLocal = parsed.GetValue(_local);
        var node = _node.Settings(parsed);
        await using var link = isLocal
            ? LinkBench.StartLocal(node, Clock)
            : await LinkBench.StartRemoteAsync(node, Clock, cancellation);
        var timings = new List<LinkTiming>();
        foreach (var payload in payloads)
        {
            timings.Add(
                await link.MeasureAsync(payload, CountOf(payload, parsed.GetValue(_messages) ?? 500), cancellation)
            );
        }

        _report.Print(parsed, Report(timings, isLocal));
        _plot.Draw(
            parsed,
            new BenchPlot(
                "Hop between two stages",
                "payload, KiB",
                "ms one way",
                [
                    new PlotSeries(
                        "median",
                        [.. timings.Select(timing => timing.PayloadBytes / 1024.0)],
                        [.. timings.Select(timing => timing.HopMs)]
                    ),
                    new PlotSeries(
                        "p99",
                        [.. timings.Select(timing => timing.PayloadBytes / 1024.0)],
                        [.. timings.Select(timing => Statistics.Quantile(timing.HopsMs, 0.99))]
                    ),
                ]
            )
        );
        return 0;
    }

    /// <summary>A gigabyte in all is enough of any size.</summary>
    private static int CountOf(int payload, int messages) => (int)Math.Clamp(1_000_000_000L / payload, 1, messages);

    private static BenchReport Report(IReadOnlyList<LinkTiming> timings, bool isLocal) =>
        new()
        {
            Setting = isLocal
                ? $"two actors of one process, {Environment.ProcessorCount} cores"
                : $"two processes on loopback, {Environment.ProcessorCount} cores",
            Tables =
            [
                new BenchTable(
                    ["payload, bytes", "hop, ms, median", "p99", "messages/s, 4 in flight", "MB/s"],
                    [
                        .. timings.Select(timing =>
                            (IReadOnlyList<string>)
                                [
                                    Invariant($"{timing.PayloadBytes:N0}"),
                                    Invariant($"{timing.HopMs:0.000}"),
                                    Invariant($"{Statistics.Quantile(timing.HopsMs, 0.99):0.000}"),
                                    Invariant($"{timing.MessagesPerSecond:N0}"),
                                    Invariant($"{timing.BytesPerSecond / 1e6:N1}"),
                                ]
                        ),
                    ]
                ),
            ],
            Json = new JsonObject
            {
                ["in_process"] = isLocal,
                ["payloads"] = new JsonArray([
                    .. timings.Select(timing =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["bytes"] = timing.PayloadBytes,
                                ["hop_ms"] = timing.HopMs,
                                ["hop_ms_p99"] = Statistics.Quantile(timing.HopsMs, 0.99),
                                ["messages_per_second"] = timing.MessagesPerSecond,
                                ["bytes_per_second"] = timing.BytesPerSecond,
                            }
                    ),
                ]),
            },
        };
}
