using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench kernels</c>: each operation of a decode step, and whole steps, against the device's ceilings.</summary>
internal sealed class BenchKernelsCommand
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

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var bench = new BenchKernelsCommand();
        var command = new Command("kernels", "Times the operations of a decode step and whole steps on one device.");
        command.Options.Add(bench._synthetic);
        command.Options.Add(bench._device);
        command.Options.Add(bench._threads);
        command.Options.Add(bench._layers);
        command.Options.Add(bench._operationsOnly);
        bench._report.AddTo(command);
        command.SetAction(bench.Run);
        return command;
    }

    private int Run(ParseResult parsed)
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
        return 0;
    }
}
