namespace Ppsd.Host.Bench.Paper;

/// <summary>Measures the missing cells one after another and reports progress.</summary>
/// <param name="settings">What is measured.</param>
/// <param name="report">Receives a line for each cell.</param>
internal sealed class PaperBench(PaperSettings settings, TimeProvider clock, Action<string> report)
{
    /// <summary>Runs to the end.</summary>
    /// <returns>All cells.</returns>
    public async Task<PaperCells> RunAsync(CancellationToken cancellation)
    {
        var cells = new PaperCells(settings.Folder, settings.Key);
        var plan = new PaperPlan(settings, clock).Cells();
        var missing = plan.Where(cell => cells[cell.Name] is null).ToList();
        if (missing.Count < plan.Count)
        {
            report($"{plan.Count - missing.Count} of {plan.Count} cells are there from an earlier run");
        }

        var begun = clock.GetTimestamp();
        for (var i = 0; i < missing.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var cellBegun = clock.GetTimestamp();
            var figures = await missing[i].Measure(cancellation);
            cells.Add(missing[i].Name, figures);
            var left = clock.GetElapsedTime(begun) / (i + 1) * (missing.Count - i - 1);
            report(
                FormattableString.Invariant(
                    $"[{i + 1}/{missing.Count}] {missing[i].Name}: {clock.GetElapsedTime(cellBegun).TotalSeconds:0.0} s; about {left.TotalSeconds:0} s left"
                )
            );
        }

        return cells;
    }
}
