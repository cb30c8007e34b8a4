namespace Ppsd.Host.Bench;

/// <summary>A table of a benchmark's report; the first column names the rows.</summary>
/// <param name="Columns">Heads of the columns.</param>
/// <param name="Rows">Cells, as many as columns.</param>
internal sealed record BenchTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);
