using Ppsd.Host.Bench;
using Spectre.Console;

namespace Ppsd.Tests.Host.Bench;

/// <summary>A figure stands on one line whatever the width of the terminal; headings and names may wrap.</summary>
public sealed class FittedTableTests
{
    private static readonly string[] _figures = ["12,345.678 ± 1,234.5", "1,908.1 %", "0.123", "-1.5", "100 %"];

    [TestCase(200)]
    [TestCase(120)]
    [TestCase(80)]
    [TestCase(72)]
    [TestCase(60)]
    [TestCase(40)]
    public void No_figure_is_broken_across_lines(int width)
    {
        var table = new BenchTable(
            ["", "tokens/s, median ± sd", "hop / layers before", "exit head, ms", "layers after, ms", "stages busy"],
            [
                ["a row with a name of several words", .. _figures],
                ["another", .. _figures],
            ]
        );

        var lines = Render(table, width);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lines, Has.All.Length.LessThanOrEqualTo(width));
            foreach (var figure in _figures)
            {
                Assert.That(
                    lines.Count(line => line.Contains(figure, StringComparison.Ordinal)),
                    Is.EqualTo(2),
                    figure
                );
            }
        }
    }

    [Test]
    public void Where_there_is_room_nothing_wraps()
    {
        var lines = Render(
            new BenchTable(
                ["name of the row", "a long heading"],
                [
                    ["x", "1"],
                ]
            ),
            80
        );

        Assert.That(lines, Has.Some.Contains("name of the row   a long heading"));
    }

    private static string[] Render(BenchTable table, int width)
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(text),
                Ansi = AnsiSupport.No,
                Interactive = InteractionSupport.No,
            }
        );
        console.Profile.Width = width;
        console.Write(FittedTable.Of(table, width));
        return [.. text.ToString().Split('\n').Select(line => line.TrimEnd())];
    }
}
