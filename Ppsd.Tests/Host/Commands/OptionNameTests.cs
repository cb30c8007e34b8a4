using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary>A refusal names the option that was given, as it was given.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OptionNameTests
{
    [TestCase("--exit-layer: expected once, found 2 times", "distill", "--exit-layer", "2", "--exit-layer", "3")]
    [TestCase(
        "--stage-layers: expected once, found 2 times",
        "generate",
        "--stage-layers",
        "8,8",
        "--stage-layers",
        "4,12",
        "a"
    )]
    [TestCase("--costs: nofile", "bench", "drafts", "--costs", "nofile")]
    [TestCase("--plan: nofile", "generate", "--plan", "nofile", "a")]
    [TestCase("--plan: .: expected a file, found a folder", "generate", "--plan", ".", "a")]
    [TestCase("--prompts: .: expected a file, found a folder", "generate", "--json", "--prompts", ".")]
    [TestCase("--data: .: expected a file, found a folder", "distill", "--data", ".", "--out", "nowhere")]
    [TestCase(
        "--max-width: expected at most 8, the candidates of a step by --step-rows, found 9",
        "generate",
        "--max-width",
        "9",
        "--step-rows",
        "8",
        "a"
    )]
    public async Task A_refusal_names_the_option(string expected, params string[] arguments)
    {
        var result = await Cli.RunAsync(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.ErrorLines.Single(), Does.Contain(expected));
    }

    [Test]
    public async Task Sources_that_a_model_lacks_are_named_as_the_command_line_spells_them()
    {
        var result = await Cli.RunAsync([
            "generate",
            "--model",
            TestModels.Folder(TestModels.Tiny),
            "--drafts",
            "exit,ngram",
            "a",
        ]);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(
            result.ErrorLines.Single(),
            Does.StartWith("ppsd: --drafts exit,ngram: no exit head was made for the weights of ")
        );
    }
}
