using System.Diagnostics;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Distillation;

/// <summary>What the command does to a folder that holds something, as users run it.</summary>
public sealed class DistillOutputTests
{
    [Test]
    public async Task A_model_is_not_written_over_by_its_own_head()
    {
        using var folder = new TemporaryFolder();
        var model = folder.File("model");
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Tiny), model);
        var config = File.ReadAllText(Path.Combine(model, "config.json"));
        var files = Directory.GetFiles(model);

        var run = await DistillAsync(folder, model, "--model", model);

        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(
            run.ErrorLines.Single(),
            Is.EqualTo($"ppsd: --out: {model}: expected a new or empty folder, found a model of the type 'llama'")
        );
        Assert.That(File.ReadAllText(Path.Combine(model, "config.json")), Is.EqualTo(config));
        Assert.That(Directory.GetFiles(model), Is.EquivalentTo(files));
    }

    [Test]
    public async Task The_same_command_again_does_not_write_over_what_is_saved()
    {
        using var folder = new TemporaryFolder();
        var output = folder.File("out");
        var first = await DistillAsync(folder, output);
        Assert.That(first.ExitCode, Is.Zero, first.Error);
        var state = await File.ReadAllBytesAsync(Path.Combine(output, "training-state.safetensors"));

        var second = await DistillAsync(folder, output, "--seed", "5");
        Assert.That(second.ExitCode, Is.EqualTo(2));
        Assert.That(second.ErrorLines.Single(), Does.Contain("found the heads of a finished run"));

        File.Delete(Path.Combine(output, "README.md"));
        var third = await DistillAsync(folder, output, "--seed", "5");
        Assert.That(third.ExitCode, Is.EqualTo(2));
        Assert.That(third.ErrorLines.Single(), Does.Contain("a run is saved there; --resume goes on with it"));
        Assert.That(
            await File.ReadAllBytesAsync(Path.Combine(output, "training-state.safetensors")),
            Is.EqualTo(state).AsCollection
        );
    }

    [TestCase("/sys/x")]
    [TestCase("")]
    [Platform("Linux")]
    public async Task A_folder_that_cannot_be_is_refused_in_one_line(string output)
    {
        using var folder = new TemporaryFolder();
        var run = await DistillAsync(folder, output);
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.ErrorLines.Single(), Does.StartWith("ppsd: --out: "));
    }

    /// <summary>As on a file system that holds small files only.</summary>
    [Test]
    [Platform("Linux")]
    public async Task A_state_that_outgrows_its_file_system_is_one_line_and_leaves_no_part()
    {
        using var folder = new TemporaryFolder();
        var output = folder.File("out");
        var program = Path.Combine(TestContext.CurrentContext.TestDirectory, "ppsd.dll");
        var command = string.Join(' ', Arguments(folder, output, "--head", "transformer").Select(word => $"'{word}'"));
        var start = new ProcessStartInfo("bash", ["-c", $"trap '' XFSZ; ulimit -f 40; dotnet '{program}' {command}"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };

        // Without this the runtime keeps its code in a file, which would be too large.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        using var process = Process.Start(start)!;
        var printed = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.That(process.ExitCode, Is.EqualTo(1), error + await printed);
        Assert.That(
            error.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1],
            Does.StartWith($"ppsd: --out: {Path.Combine(output, "training-state.safetensors")} cannot be written: ")
        );
        Assert.That(Directory.GetFiles(output, "*.safetensors*"), Is.Empty);
    }

    private static Task<CliResult> DistillAsync(TemporaryFolder folder, string output, params string[] options) =>
        Cli.RunAsync(Arguments(folder, output, options));

    private static string[] Arguments(TemporaryFolder folder, string output, params string[] options)
    {
        var data = folder.Write("data.jsonl", """{"prompt": "Number 1", "completion": " is 7 and 8."}""");
        string[] defaults = ["--data", data, "--out", output, "--device", "cpu", "--threads", "1", "--steps", "1"];
        string[] model = options.Contains("--model") ? [] : ["--model", TestModels.Folder(TestModels.Tiny)];
        return
        [
            "distill",
            .. model,
            .. defaults,
            "--exit-layer",
            "2",
            .. options.Contains("--head") ? (string[])[] : ["--head", "norm"],
            "--sequence-length",
            "48",
            .. options,
        ];
    }
}
