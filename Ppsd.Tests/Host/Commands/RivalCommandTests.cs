using System.Text.Json;
using Ppsd.Host.Commands;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary><c>--decode</c> with a rival's name as a user gives it.</summary>
[NonParallelizable] // It sets Console.Error.
public sealed class RivalCommandTests
{
    [Test]
    public async Task Json_names_the_rival_and_has_the_figures_of_any_text()
    {
        var result = await Cli.RunAsync([
            "generate",
            "--decode",
            "eesd",
            "--control",
            "thompson",
            "--json",
            "--max-tokens",
            "20",
            "USER: Hi",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines.Single());
        var stats = json.RootElement.GetProperty("stats");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(stats.GetProperty("decode").GetString(), Is.EqualTo("eesd"));
            Assert.That(stats.GetProperty("stages").GetInt32(), Is.EqualTo(2));
            Assert.That(stats.GetProperty("generated_tokens").GetInt32(), Is.InRange(1, 20));
        }
    }

    [TestCase("--draft-length: expected --decode layerskip with it, found eesd", "--draft-length", "3")]
    [TestCase("--drafts: cannot be given with --decode eesd", "--drafts", "ngram")]
    [TestCase("--max-width: cannot be given with --decode eesd", "--max-width", "4")]
    [TestCase("--processes: cannot be given with --decode eesd", "--processes", "2")]
    [TestCase("--compare: cannot be given with --decode eesd", "--compare")]
    public async Task An_option_of_another_way_to_decode_is_refused(string expected, params string[] options)
    {
        var (exitCode, error) = await RunAsync(["generate", "--decode", "eesd", .. options, "a"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exitCode, Is.EqualTo(2), error);
            Assert.That(error, Does.StartWith("ppsd: " + expected));
            Assert.That(error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        }
    }

    [Test]
    public async Task An_exit_behind_the_last_layer_is_refused_before_anything_is_loaded()
    {
        var (exitCode, error) = await RunAsync(["generate", "--decode", "layerskip", "--exit-at", "16", "a"]);

        Assert.That(
            (exitCode, error.TrimEnd()),
            Is.EqualTo((2, "ppsd: --exit-at: expected 1 to 15, so that layers are left to verify with, found 16"))
        );
    }

    private static async Task<(int ExitCode, string Error)> RunAsync(string[] arguments)
    {
        var stderr = Console.Error;
        await using var captured = new StringWriter();
        Console.SetError(captured);
        try
        {
            return (await CommandLine.RunAsync(arguments, TimeProvider.System), captured.ToString());
        }
        finally
        {
            Console.SetError(stderr);
        }
    }
}
