using System.CommandLine;
using Ppsd.Host.Terminal;
using Ppsd.Host.Verification;
using Ppsd.Kernels.Checkpoints.Configuration;
using Spectre.Console;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd verify</c>: whether a device computes what it should, bit for bit and against golden results.</summary>
internal sealed class VerifyCommand : PpsdCommand
{
    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();

    private readonly Option<string?> _goldens = OptionFactory.Text(
        "--goldens",
        "FILE",
        "Another implementation's results for this model (docs/benchmarking.md describes their format)."
    );

    public VerifyCommand(TimeProvider clock)
        : base("verify", "Checks that a device gives the same bits however the work is cut.", clock)
    {
        Add(_model);
        Add(_stages);
        Add(_goldens);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var goldens = parsed.GetValue(_goldens);
        if (goldens is not null)
        {
            UserFiles.RefusePipe(_goldens.Name, goldens);
            if (!goldens.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            {
                throw new UserErrorException($"{_goldens.Name}: expected a .safetensors file, found {goldens}");
            }

            UserFiles.Require(_goldens.Name, goldens);
        }

        var device = new VerifiedDevice(_model.Open(parsed, _stages, Clock), _stages.Settings(parsed, stagesHere: 1));
        ModelWarnings.Write(device.Assets, withTokenizer: false);
        var output = OutputConsole.Open();
        output.WriteLine($"{device.Assets.Name} on {device.Settings.Devices[0]}");
        var failures = 0;
        foreach (var finding in new BitIdentityChecks(device).Run())
        {
            Print(finding);
        }

        if (!device.IsCpu)
        {
            using var whole = device.Load([device.Assets.Config.LayerCount]);
            Print(new DrawChecks(whole.Run, device.Assets.Config.VocabSize).Run());
        }

        await foreach (var finding in new DecodeModeChecks(device, Clock).RunAsync().WithCancellation(cancellation))
        {
            Print(finding);
        }

        var hasChain = device.Assets.ExitHead?.Kind == ExitHeadKind.Chain;
        if (hasChain)
        {
            foreach (var finding in new ChainChecks(device).Run())
            {
                Print(finding);
            }
        }

        if (goldens is not null)
        {
            foreach (var finding in Goldens(device, goldens, hasChain))
            {
                Print(finding);
            }
        }

        Print(device.Finite.Result());
        output.WriteLine(failures == 0 ? "all checks passed" : $"{failures} checks FAILED");
        return failures == 0 ? 0 : 1;

        void Print(Finding finding)
        {
            failures += finding.Passed ? 0 : 1;
            var verdict = finding.Passed ? "[green]ok[/]    " : "[red]FAIL[/]  ";
            output.MarkupLine(verdict + Markup.Escape($"{finding.Name}: {finding.Detail}"));
        }
    }

    private static IEnumerable<Finding> Goldens(VerifiedDevice device, string path, bool hasChain)
    {
        if (!ChainChecks.AreIn(path))
        {
            return new GoldenChecks(device, path).Run();
        }

        return hasChain
            ? [new ChainChecks(device).Logits(path)]
            : throw new UserErrorException($"--goldens: {path} is of a chain head, expected --exit-head with one");
    }
}
