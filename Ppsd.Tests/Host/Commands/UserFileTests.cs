using System.Diagnostics;
using System.Text.RegularExpressions;
using Ppsd.Tests.Architecture;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary>
/// A file that an option names is read through one door, which waits for nobody: what is not a file with a length is refused in
/// one line that names the option.
/// </summary>
[Parallelizable(ParallelScope.All)]
[Platform("Linux")]
public sealed partial class UserFileTests
{
    /// <summary>What reads files that no option names, or that another door has looked at.</summary>
    private static readonly string[] _otherReaders =
    [
        "Ppsd.Host/UserFiles.cs",
        "Ppsd.Host/Text/Tokens/TextFiles.cs", // the same door, for the model's own
        "Ppsd.Host/Terminal/StandardOutput.cs", // a descriptor
        "Ppsd.Host/Commands/ArgumentBytes.cs", // a file of the system
        "Ppsd.Host/Models/OtherFormats.cs", // reads only what has a length
        "Ppsd.Host/Runtime/SpareStages.cs", // files of a model that has been opened
        "Ppsd.Host/Bench/Paper/", // its own folder
        "Ppsd.Host/Distillation/", // its own folder, and data that the command has looked at
    ];

    [TestCase("--prompts", "generate --prompts FILE")]
    [TestCase("--prompts", "bench decode --prompts FILE")]
    [TestCase("--chat-template", "generate --chat-template FILE a")]
    [TestCase("--chat-template", "serve --chat-template FILE")]
    [TestCase("--config", "generate --config FILE a")]
    [TestCase("--config", "cluster status --join 127.0.0.1:1 --config FILE")]
    [TestCase("--plan", "generate --plan FILE a")]
    [TestCase("--plan", "stage --plan FILE")]
    [TestCase("--tls-cert", "stage --stages 2 --tls-cert FILE --tls-key FILE --tls-ca FILE")]
    [TestCase("--data", "distill --data FILE --out nowhere")]
    [TestCase("--eval-data", "distill --data Ppsd.Tests.dll --eval-data FILE --out nowhere")]
    [TestCase("--goldens", "verify --goldens FILE")]
    [TestCase("--knn-sets", "generate --decode knn-ssd --knn-sets FILE a")]
    public async Task A_pipe_is_refused_with_the_option_that_names_it(string option, string command)
    {
        using var folder = new TemporaryFolder();
        var pipe = folder.File("pipe");
        using (var make = Process.Start("mkfifo", [pipe]))
        {
            await make.WaitForExitAsync();
        }

        File.CreateSymbolicLink(folder.File("link"), pipe);
        foreach (var file in (string[])[pipe, folder.File("link")])
        {
            var result = await Cli.RunAsync(command.Split(' ').Select(word => word == "FILE" ? file : word));

            Assert.That(
                (result.ExitCode, result.Error),
                Is.EqualTo((2, $"ppsd: {option}: {file}: expected a file, found a pipe or a device\n"))
            );
        }
    }

    [Test]
    public async Task What_a_shell_puts_in_place_of_a_file_is_refused_too()
    {
        var program = Path.Combine(TestContext.CurrentContext.TestDirectory, "ppsd.dll");
        using var shell = Process.Start(
            new ProcessStartInfo("bash", ["-c", $"dotnet {program} generate --prompts <(sleep 0)"])
            {
                RedirectStandardError = true,
            }
        )!;
        var error = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();

        Assert.That(shell.ExitCode, Is.EqualTo(2), error);
        Assert.That(error, Does.Match("^ppsd: --prompts: /dev/fd/\\d+: expected a file, found a pipe or a device\n$"));
    }

    [TestCase("/dev/zero", "--prompts: /dev/zero: no prompts in it")]
    [TestCase("/", "--prompts: /: expected a file, found a folder")]
    [TestCase("nowhere", "--prompts: nowhere: expected a file, found no such file")]
    [TestCase("nowhere/at/all", "--prompts: nowhere/at/all: expected a file, found no such folder")]
    public async Task What_is_no_file_is_called_what_it_is(string file, string expected)
    {
        var result = await Cli.RunAsync(["generate", "--prompts", file]);

        Assert.That((result.ExitCode, result.Error), Is.EqualTo((2, $"ppsd: {expected}\n")));
    }

    [Test]
    public void Nothing_else_opens_files_for_reading()
    {
        var others = Repository
            .Sources("Ppsd.Host")
            .Where(path => !Array.Exists(_otherReaders, known => path.StartsWith(known, StringComparison.Ordinal)))
            .Where(path => OpenedFile().IsMatch(File.ReadAllText(Path.Combine(Repository.Root, path))));

        Assert.That(others, Is.Empty);
    }

    [GeneratedRegex(@"\bFile\.(ReadAll|ReadLines|Open)|new (FileStream|StreamReader)\(")]
    private static partial Regex OpenedFile();
}
