using System.Text.Json.Nodes;
using Ppsd.Host.Bench.Paper;
using Ppsd.Tests.Kernels.Checkpoints;

namespace Ppsd.Tests.Host.Bench.Paper;

/// <summary>A run that was broken off goes on where it was.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PaperCellsTests
{
    [Test]
    public void Cells_of_an_earlier_run_are_there_and_a_line_that_was_cut_off_is_measured_again()
    {
        using var folder = new TemporaryFolder();
        var first = new PaperCells(folder.FullPath, "key");
        first.Add("depth/4", new JsonObject { ["alpha"] = 0.75, ["hop_ms"] = double.NaN });
        File.AppendAllText(folder.File("cells.jsonl"), "{\"cell\":\"depth/8\",\"alp");

        var second = new PaperCells(folder.FullPath, "key");
        var before = second["depth/8"];
        second.Add("depth/8", new JsonObject { ["alpha"] = 0.5 });
        var third = new PaperCells(folder.FullPath, "key");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(second["depth/4"]!.Number("alpha"), Is.EqualTo(0.75));
            Assert.That(second["depth/4"]!.Number("hop_ms"), Is.NaN);
            Assert.That(before, Is.Null);
            Assert.That(third.Of("depth").Select(cell => cell.Name), Is.EqualTo(["4", "8"]));
        }
    }

    [Test]
    public void Cells_of_other_settings_are_measured_again()
    {
        using var folder = new TemporaryFolder();
        new PaperCells(folder.FullPath, "1 round").Add("depth/4", []);

        Assert.That(new PaperCells(folder.FullPath, "3 rounds")["depth/4"], Is.Null);
    }
}
