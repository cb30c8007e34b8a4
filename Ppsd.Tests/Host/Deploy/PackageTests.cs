using System.Diagnostics;
using System.IO.Compression;
using Ppsd.Tests.Architecture;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Deploy;

/// <summary>What <c>dotnet pack</c> makes of what was built for these tests.</summary>
public sealed class PackageTests
{
    [Test]
    public async Task The_program_is_a_tool_with_its_model_inside_that_installs_from_a_folder_and_generates()
    {
        using var folder = new TemporaryFolder();
        await PackAsync("Ppsd.Host", folder.FullPath);

        // A folder alone as source, and a configuration of its own: no package comes from anywhere else.
        var config = folder.Write(
            "nuget.config",
            $"""
            <configuration>
              <packageSources><clear /><add key="local" value="{folder.FullPath}" /></packageSources>
              <config><add key="globalPackagesFolder" value="{folder.File("cache")}" /></config>
            </configuration>
            """
        );
        var tools = folder.File("tools");
        await RunAsync("dotnet", ["tool", "install", "ppsd", "--tool-path", tools, "--configfile", config]);
        var result = await RunAsync(
            Path.Combine(tools, "ppsd"),
            ["generate", "--json", "--max-tokens", "4", "USER: How many legs do 3 cats have? ASSISTANT:"],
            workingFolder: folder.FullPath
        );
        var expected = await Cli.RunAsync([
            "generate",
            "--json",
            "--max-tokens",
            "4",
            "USER: How many legs do 3 cats have? ASSISTANT:",
        ]);

        Assert.That(Text(result), Is.EqualTo(Text(expected.Output)));
        Assert.That(result, Does.Contain("\"decode\":\"ppsd\""), "its exit head is inside too");

        static string Text(string line) => line.Split("\"text\":")[1].Split("\"finish_reason\"")[0];
    }

    [Test]
    public async Task The_client_library_has_its_readme_licence_tags_and_symbols()
    {
        using var folder = new TemporaryFolder();
        await PackAsync("Ppsd.Actors", folder.FullPath);

        var packages = Directory.GetFiles(folder.FullPath).Select(Path.GetFileName).ToList();
        await using var package = await ZipFile.OpenReadAsync(
            Directory.GetFiles(folder.FullPath, "Ppsd.Actors.*.nupkg").Single()
        );
        var names = package.Entries.Select(entry => entry.FullName).ToList();
        using var reader = new StreamReader(
            await package.Entries.Single(entry => entry.FullName == "Ppsd.Actors.nuspec").OpenAsync()
        );
        var specification = await reader.ReadToEndAsync();
        await using var symbols = await ZipFile.OpenReadAsync(Directory.GetFiles(folder.FullPath, "*.snupkg").Single());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(packages, Has.Count.EqualTo(2));
            Assert.That(names, Does.Contain("README.md").And.Contain("lib/net10.0/Ppsd.Actors.xml"));
            Assert.That(
                specification,
                Does.Contain("<readme>README.md</readme>").And.Contain(">MIT</license>").And.Contain("<tags>llm ")
            );
            Assert.That(symbols.Entries.Select(entry => entry.FullName), Does.Contain("lib/net10.0/Ppsd.Actors.pdb"));
        }
    }

    private static Task<string> PackAsync(string project, string output) =>
        RunAsync(
            "dotnet",
            [
                "pack",
                Path.Combine(Repository.Root, project),
                "--configuration",
                Configuration(),
                "--no-build",
                "--output",
                output,
            ]
        );

    /// <summary>The tests lie in bin/CONFIGURATION/FRAMEWORK.</summary>
    private static string Configuration() =>
        Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;

    private static async Task<string> RunAsync(string program, string[] arguments, string? workingFolder = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingFolder ?? "",
        };
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {await output}{await error}");
        return await output;
    }
}
