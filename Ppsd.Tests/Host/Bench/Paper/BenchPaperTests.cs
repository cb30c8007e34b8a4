using System.Text.Json.Nodes;
using Ppsd.Kernels.Catalog;
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

    /// <summary>The processor counts nothing, so a cell gets a card's figures by hand.</summary>
    [Test]
    public async Task What_devices_count_of_energy_stands_beside_the_speeds()
    {
        using var folder = new TemporaryFolder();
        string[] command = ["bench", "paper", "--short", "--out", folder.FullPath];
        await Cli.RunAsync(command);
        var without = File.ReadAllText(folder.File("paper.md"));
        var cells = File.ReadAllLines(folder.File("cells.jsonl")).Select(line => JsonNode.Parse(line)!).ToList();
        var cell = cells.Single(cell => (string?)cell["cell"] == "replication/eesd fixed");
        (cell["joules_per_token"], cell["one_device_joules_per_token"]) = (0.5, 0.75);
        File.WriteAllLines(folder.File("cells.jsonl"), cells.Select(line => line.ToJsonString()));

        await Cli.RunAsync(command);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(without, Does.Contain("these devices do not count").And.Not.Contain("J a token"));
            Assert.That(
                File.ReadAllText(folder.File("paper.md")),
                Does.Contain("| J a token |").And.Match(@"\| eesd fixed \|.*\| 0\.500 \| - \| 0\.750 \|")
            );
        }
    }

    [Test]
    public void A_processor_does_not_count_what_it_takes() => Assert.That(CardEnergy.TryOpen(["cpu"]), Is.Null);

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
