using System.CommandLine;
using System.Globalization;
using Ppsd.Host.Bench.Cancels;
using Ppsd.Host.Terminal;

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

    public BenchCancelCommand(TimeProvider clock)
        : base("cancel", "Cancels a run at a stage whose queue is full.", clock)
    {
        Add(_queue);
        Add(_layers);
        Add(_layerMs);
        Add(_trials);
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
        Print(
            $"{settings.QueueLength} micro-batches queued, each {settings.Layers} layers of {settings.LayerMs} ms; {settings.Trials} cancels, one process, {Environment.ProcessorCount} cores"
        );
        Print(
            $"cancel to effect:          median {result.EffectMs(0.5):0.000} ms, p99 {result.EffectMs(0.99):0.000} ms"
        );
        Print(
            $"cancel to the new run:     median {result.RestartMs(0.5):0.000} ms, p99 {result.RestartMs(0.99):0.000} ms"
        );
        Print($"dead micro-batches begun after a cancel: {result.StaleSteps}");
        Print($"the queue a cancel in line would wait for: {result.QueueMs:0.0} ms");
        return 0;

        static void Print(FormattableString line) =>
            StandardOutput.WriteLine(line.ToString(CultureInfo.InvariantCulture));
    }
}
