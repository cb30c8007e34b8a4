using System.Diagnostics;
using Ppsd.Host;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary>Output that cannot be written ends a command in one line, and a pipe beside a model holds up none.</summary>
[Parallelizable(ParallelScope.All)]
[Platform("Linux")]
public sealed class UnwritableOutputTests
{
    [TestCase("devices")]
    [TestCase("inspect --help")]
    [TestCase("generate --max-tokens 2 a")]
    [TestCase("generate --json --max-tokens 2 a")]
    [TestCase("bench decode --synthetic toy --max-tokens 2 --repetitions 1 --prompt-count 1")]
    public async Task A_full_disk_is_one_line_and_exit_code_1(string command)
    {
        var result = await ShellAsync($"{command} > /dev/full");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(
            result.ErrorLines.Where(line => line.StartsWith("ppsd: ", StringComparison.Ordinal)),
            Is.EqualTo(new[] { "ppsd: standard output cannot be written: No space left on device" })
        );
        Assert.That(result.Error, Does.Not.Contain("   at "));
    }

    [TestCase("generate --max-tokens 4 hi")]
    [TestCase("inspect")]
    public async Task A_closed_output_is_one_line_and_exit_code_1(string command)
    {
        var result = await ShellAsync($"{command} >&-");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(
            result.ErrorLines.Where(line => line.StartsWith("ppsd: ", StringComparison.Ordinal)).ToList(),
            Has.Count.EqualTo(1).And.All.StartsWith("ppsd: standard output cannot be written: ")
        );
        Assert.That(result.Error, Does.Not.Contain("   at "));
    }

    [Test]
    public async Task Where_nothing_can_be_written_at_all_the_exit_code_is_left()
    {
        var result = await ShellAsync("inspect --bogus >&- 2>&-");

        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")));
    }

    [TestCase(
        "plan --synthetic toy --out DIR/no/plan.json",
        "--out: DIR/no/plan.json cannot be written: no such folder"
    )]
    [TestCase("plan --synthetic toy --out DIR", "--out: DIR cannot be written: a folder")]
    [TestCase(
        "plan --synthetic toy --out DIR/pipe",
        "--out: DIR/pipe cannot be written: it is a pipe or a device, expected a file"
    )]
    [TestCase("bench link --plot DIR/no/x.png", "--plot: DIR/no/x.png cannot be written: no such folder")]
    public async Task A_file_that_cannot_be_written_is_refused_before_anything_is_measured(
        string command,
        string expected
    )
    {
        using var folder = new TemporaryFolder();
        await PipeAsync(folder.File("pipe"));
        var result = await Cli.RunAsync(
            command.Split(' ').Select(word => word.Replace("DIR", folder.FullPath, StringComparison.Ordinal))
        );

        Assert.That(
            (result.ExitCode, result.Output, result.Error),
            Is.EqualTo((1, "", $"ppsd: {expected.Replace("DIR", folder.FullPath, StringComparison.Ordinal)}\n"))
        );
    }

    [Test]
    public void The_look_whether_a_file_can_be_written_leaves_no_trace()
    {
        using var folder = new TemporaryFolder();
        UserFiles.RequireWritable("--out", folder.File("absent"));
        File.WriteAllText(folder.File("there"), "kept");
        UserFiles.RequireWritable("--out", folder.File("there"));

        Assert.That(File.Exists(folder.File("absent")), Is.False);
        Assert.That(File.ReadAllText(folder.File("there")), Is.EqualTo("kept"));
    }

    [Test]
    public async Task A_pipe_that_nobody_reads_any_more_ends_the_command()
    {
        var result = await ShellAsync("inspect | true; exit ${PIPESTATUS[0]}");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.ErrorLines, Is.EqualTo(new[] { "ppsd: standard output cannot be written: Broken pipe" }));
    }

    [Test]
    public async Task Where_standard_error_cannot_be_written_either_the_exit_code_is_left()
    {
        var result = await ShellAsync("inspect --bogus 2> /dev/full");

        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")));
    }

    [Test]
    public async Task Results_and_notes_in_one_file_do_not_overwrite_each_other()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("both.txt");
        await ShellAsync($"generate --max-tokens 4 'USER: a ASSISTANT:' > {file} 2>&1");

        Assert.That(File.ReadAllText(file), Does.Contain("tokens/s").And.Not.Contain("\0"));
    }

    [Test]
    public async Task A_pipe_in_a_folder_beside_the_model_is_passed_by()
    {
        using var folder = new TemporaryFolder();
        var model = folder.File("model");
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Tiny), model);
        Directory.CreateDirectory(folder.File("other"));
        await PipeAsync(Path.Combine(folder.File("other"), "config.json"));

        var result = await Cli.RunAsync(["inspect", model]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
    }

    [TestCase("config.json")]
    [TestCase("generation_config.json")]
    [TestCase("model.safetensors")]
    [TestCase("tokenizer.model")]
    [TestCase("tokenizer_config.json")]
    public async Task A_pipe_in_place_of_a_model_s_file_is_refused_by_name(string file)
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Tiny), folder.FullPath);
        File.Delete(folder.File(file));
        await PipeAsync(folder.File(file));

        var result = await Cli.RunAsync(["inspect", folder.FullPath]);

        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.ErrorLines.Single(), Does.Contain(file).And.Contain("found a pipe"));
    }

    private static async Task PipeAsync(string path)
    {
        using var make = Process.Start("mkfifo", [path]);
        await make.WaitForExitAsync();
    }

    /// <summary>Runs the program as a shell does, with its redirections.</summary>
    private static async Task<CliResult> ShellAsync(string command)
    {
        var program = Path.Combine(TestContext.CurrentContext.TestDirectory, "ppsd.dll");
        var start = new ProcessStartInfo("bash", ["-c", $"dotnet {program} {command}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = TestContext.CurrentContext.TestDirectory,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new CliResult(process.ExitCode, await output, await error);
    }
}
