using System.CommandLine;
using Ppsd.Host.Bench.Cancels;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench cancel</c>: how fast a cancel has effect at a stage with a full queue.</summary>
internal sealed class BenchCancelCommand : PpsdCommand
{
    private readonly Option<int?> _queue = OptionFactory.Number(
        "--queue",
        "N",
        "Micro-batches queued before the cancel; 64 by default.",
        1,
        100_000
    );

    private readonly Option<int?> _layers = OptionFactory.Number(
        "--layers",
        "N",
        "Layers of a micro-batch; 20 by default.",
        1,
        10_000
    );

    private readonly Option<double?> _layerMs = OptionFactory.Number(
        "--layer-ms",
        "MS",
        "Milliseconds of a layer; 0.1 by default.",
        0.001,
        1000.0
    );

    private readonly Option<int?> _trials = OptionFactory.Number(
        "--trials",
        "N",
        "Cancels to measure; 200 by default.",
        1,
        1_000_000
    );

    private readonly ReportOptions _report = new();

    public BenchCancelCommand(TimeProvider clock)
        : base("cancel", "Cancels a run at a stage whose queue is full.", clock)
    {
        Add(_queue);
        Add(_layers);
        Add(_layerMs);
        Add(_trials);
        Add(_report);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var settings = new CancelBenchSettings(
            parsed.GetValue(_queue) ?? 64,
            parsed.GetValue(_layers) ?? 20,
            parsed.GetValue(_layerMs) ?? 0.1,
            parsed.GetValue(_trials) ?? 200
        );
        var result = await new CancelBench(settings, Clock).RunAsync(cancellation);
        _report.Print(parsed, new CancelReport(result).Create());
        return 0;
    }
}
