using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Weights;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench kernels</c>: each operation of a decode step, and whole steps, against the device's ceilings.</summary>
internal sealed class BenchKernelsCommand : PpsdCommand
{
    private readonly Option<string?> _synthetic = OptionFactory.Choice(
        "--synthetic",
        "Model whose shapes are measured, with weights made on the device; llama2-7b by default.",
        [.. SyntheticPresets.Names]
    );

    private readonly Option<string?> _device = OptionFactory.Text(
        "--device",
        "cpu|cuda:N",
        "Device; by default the first usable CUDA card, or else the CPU."
    );

    private readonly Option<int?> _threads = OptionFactory.Number(
        "--threads",
        "N",
        "Threads on the CPU; by default all cores.",
        1,
        1024
    );

    private readonly Option<int?> _layers = OptionFactory.Number(
        "--layers",
        "N",
        "Layers of the whole steps; the model's by default.",
        1,
        1024
    );

    private readonly Option<bool> _operationsOnly = OptionFactory.Switch(
        "--operations-only",
        "Leave whole steps out: no memory for a whole model is needed."
    );

    private readonly ReportOptions _report = new();

    public BenchKernelsCommand(TimeProvider clock)
        : base("kernels", "Times the operations of a decode step and whole steps on one device.", clock)
    {
        Add(_synthetic);
        Add(_device);
        Add(_threads);
        Add(_layers);
        Add(_operationsOnly);
        Add(_report);
    }

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var preset = parsed.GetValue(_synthetic) ?? "llama2-7b";
        var settings = new KernelBenchSettings(
            preset,
            parsed.GetValue(_device) ?? DeviceCatalog.Automatic()[0],
            parsed.GetValue(_threads) ?? Environment.ProcessorCount,
            parsed.GetValue(_layers) ?? SyntheticPresets.Find(preset)!.LayerCount,
            parsed.GetValue(_operationsOnly)
        );
        _report.Print(parsed, new KernelBench(settings).Run());
        return Task.FromResult(0);
    }
}
