namespace Ppsd.Host.Bench.Paper;

/// <summary>Transfer against compute: the report's section on links with an injected delay. Pure.</summary>
internal sealed class PaperDelays(PaperCells cells)
{
    /// <summary>Cells of every way to draft, at every delay.</summary>
    public PaperSection Section()
    {
        var read = cells
            .Of("delays")
            .Select(cell => (Way: cell.Name.Split(' ')[0], DelayMs: cell.Figures.Number("delay_ms"), cell.Figures))
            .OrderBy(cell => cell.DelayMs)
            .ToList();
        return new PaperSection(
            "4b. Slow links",
            "Four stages in one process, every link delayed one way, one text of up to 64 tokens, from its prompt on. Over plain decoding: of the same stages and links, in the same rounds.",
            new BenchTable(
                ["one way, ms", "drafts", "plain, tokens/s", "tokens/s", "over plain decoding"],
                [
                    .. read.Select(cell =>
                        (IReadOnlyList<string>)
                            [
                                PaperFigures.Format(cell.DelayMs, 0),
                                cell.Way,
                                cell.Figures.Text("same_stages_tokens_per_second", 1),
                                cell.Figures.Text("tokens_per_second", 1),
                                cell.Figures.Text("speed_up_same_stages", 2),
                            ]
                    ),
                ]
            ),
            read.Select(cell => cell.DelayMs).Distinct().Count() < 2
                ? null
                : (
                    "paper-delays.png",
                    new BenchPlot(
                        "Speed-up over plain decoding by the links' delay",
                        "delay one way, ms",
                        "speed-up",
                        [
                            .. read.GroupBy(cell => cell.Way)
                                .Select(way => new PlotSeries(
                                    way.Key,
                                    [.. way.Select(cell => cell.DelayMs)],
                                    [.. way.Select(cell => cell.Figures.Number("speed_up_same_stages"))]
                                )),
                        ]
                    )
                )
        );
    }
}
