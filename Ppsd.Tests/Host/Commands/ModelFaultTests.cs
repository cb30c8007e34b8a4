using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary>Faults of a model's files, and of options that do not fit them, are said in one line by what is at fault.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ModelFaultTests
{
    [Test]
    public Task More_candidates_than_a_step_takes_are_refused_by_both_options() =>
        AssertRefusedAsync(
            ["generate", "--max-width", "4", "--step-rows", "3", "a"],
            "--max-width: expected at most 3, the candidates of a step by --step-rows, found 4"
        );

    [Test]
    public Task Goldens_of_another_kind_are_refused_before_the_model_is_read() =>
        AssertRefusedAsync(
            ["verify", "--model", "nowhere", "--goldens", "x.golden.json"],
            "--goldens: expected a .safetensors file, found x.golden.json"
        );

    [Test]
    public async Task A_tokenizer_that_cannot_be_read_is_no_fault_of_a_prompt_line()
    {
        using var folder = new TemporaryFolder();
        var model = CopyInto(folder, TestModels.Tiny3);
        File.WriteAllText(Path.Combine(model, "tokenizer.json"), "{}");
        var prompts = folder.Write("p.jsonl", """{"prompt": "a"}""");
        await AssertRefusedAsync(
            ["generate", "--json", "--model", model, "--prompts", prompts],
            $"{Path.Combine(model, "tokenizer.json")}: model: found nothing"
        );
    }

    [Test]
    public async Task Tokens_beyond_the_models_vocabulary_are_named_and_texts_without_them_go_on()
    {
        using var folder = new TemporaryFolder();
        var model = CopyInto(folder, TestModels.Tiny);
        File.WriteAllText(Path.Combine(model, "added_tokens.json"), """{"<pad>": 4096}""");
        var result = await Cli.RunAsync([
            "generate",
            "--model",
            model,
            "--stages",
            "1",
            "--max-tokens",
            "1",
            "--json",
            "a",
        ]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(
            result.Error,
            Does.Contain(
                $"ppsd: warning: {model}: 1 of the tokenizer's tokens are beyond the model's vocab_size of 4096, the first of them 4096 '<pad>'"
            )
        );
    }

    // Exit heads are looked for beside a model: it gets a folder of its own to lie in.
    private static string CopyInto(TemporaryFolder folder, string model)
    {
        var copy = folder.File("model");
        SafetensorsWriter.CopyModel(TestModels.Folder(model), copy);
        return copy;
    }

    private static async Task AssertRefusedAsync(string[] arguments, string expected)
    {
        var result = await Cli.RunAsync(arguments);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
            Assert.That(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1));
            Assert.That(result.Error, Does.StartWith($"ppsd: {expected}"));
        }
    }
}
