using System.Text.Json;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Bench.LockStep;

/// <summary>Text that repeats its prompt: n-grams alone, without an exit head, on texts that are given.</summary>
public sealed class EditedFilesTests
{
    [Test]
    public async Task N_grams_alone_save_two_of_three_cycles_where_a_file_is_quoted_and_edited()
    {
        var result = await Cli.RunAsync([
            "bench",
            "drafts",
            "--model",
            TestModels.Folder(TestModels.Gsm),
            "--prompts",
            Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "edited-files.jsonl"),
            "--given-answers",
            "--drafts",
            "ngram",
            "--stages",
            "4",
            "--threads",
            "1",
            "--max-width",
            "8",
            "--json",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        var report = JsonDocument.Parse(result.Output).RootElement;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.GetProperty("texts").GetInt32(), Is.EqualTo(4));
            Assert.That(report.GetProperty("text_identical").GetBoolean(), Is.True);
            Assert.That(report.GetProperty("speed_up").GetDouble(), Is.GreaterThan(3));
        }
    }
}
