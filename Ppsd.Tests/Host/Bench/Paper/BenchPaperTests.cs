using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Bench.Paper;

/// <summary>The paper as one command, in its short form.</summary>
public sealed class BenchPaperTests
{
    [Test]
    public async Task The_short_form_measures_every_experiment_writes_a_report_and_is_not_measured_twice()
    {
        using var folder = new TemporaryFolder();
        var first = await Cli.RunAsync(["bench", "paper", "--short", "--out", folder.FullPath]);
        var again = await Cli.RunAsync(["bench", "paper", "--short", "--out", folder.FullPath]);

        Assert.That(first.ExitCode, Is.Zero, first.Error);
        var page = File.ReadAllText(folder.File("paper.html"));
        var text = File.ReadAllText(folder.File("paper.md"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(again.ExitCode, Is.Zero, again.Error);
            Assert.That(again.Error, Does.Match(@"(\d+) of \1 cells are there from an earlier run"));
            foreach (
                var method in (string[])["ppsd 4 stages", "eesd fixed", "eesd thompson", "layerskip", "del", "knn-ssd"]
            )
            {
                Assert.That(text, Does.Contain($"| {method} |"));
            }

            Assert.That(
                text,
                Does.Contain("identical to plain decoding in every cell")
                    .And.Contain("| claim of the paper |")
                    .And.Match(@"\| 5 \| ppsd \| [\d,.]+ \| [\d,.]+ \| \d")
            );
            Assert.That(page, Does.Contain("<th>claim of the paper</th>"));
            Assert.That(page, Does.Not.Contain("http://").And.Not.Contain("https://").And.Not.Contain("src=\"paper"));
        }
    }

    [Test]
    public async Task Without_a_folder_nothing_is_measured()
    {
        var result = await Cli.RunAsync(["bench", "paper"]);

        Assert.That(
            (result.ExitCode, result.Error.Trim()),
            Is.EqualTo((2, "ppsd: --out: expected a folder, found none"))
        );
    }
}
