using System.Text.Json.Nodes;
using Spectre.Console;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Bench;

/// <summary>
/// A benchmark's result, printed as a table, as Markdown or as CSV, each with one JSON object as its last line, or as
/// that object alone.
/// </summary>
internal sealed record BenchReport
{
    /// <summary>What was measured, in words.</summary>
    public required string Setting { get; init; }

    /// <summary>Tables.</summary>
    public required IReadOnlyList<BenchTable> Tables { get; init; }

    /// <summary>Named figures outside the columns.</summary>
    public IReadOnlyList<(string Name, string Value)> Facts { get; init; } = [];

    /// <summary>The whole result as one JSON object.</summary>
    public required JsonObject Json { get; init; }

    /// <summary>Prints the report.</summary>
    public void Print(ReportFormat format, IAnsiConsole console, TextWriter output)
    {
        switch (format)
        {
            case ReportFormat.Table:
                PrintTables(console);
                break;
            case ReportFormat.Markdown:
                PrintMarkdown(output);
                break;
            case ReportFormat.Csv:
                PrintCsv(output);
                break;
            default:
                break;
        }

        output.WriteLine(Figures.Line(Json));
    }

    /// <summary>Text that is the same in every culture; see <see cref="Figures"/>.</summary>
    public static string Invariant(FormattableString text) => Figures.Text(text);

    private void PrintTables(IAnsiConsole console)
    {
        console.WriteLine(Setting);
        foreach (var table in Tables)
        {
            console.Write(FittedTable.Of(table, console.Profile.Width));
        }

        var facts = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn();
        foreach (var (name, value) in Facts)
        {
            facts.AddRow(new PlainText(name), new PlainText(value));
        }

        if (Facts.Count > 0)
        {
            console.Write(facts);
        }
    }

    private void PrintMarkdown(TextWriter output)
    {
        output.WriteLine(Setting);
        foreach (var table in Tables)
        {
            output.WriteLine();
            output.WriteLine(Line(table.Columns));
            output.WriteLine(Line(table.Columns.Select((_, i) => i == 0 ? "---" : "---:")));
            foreach (var row in table.Rows)
            {
                output.WriteLine(Line(row));
            }
        }

        output.WriteLine();
        foreach (var (name, value) in Facts)
        {
            output.WriteLine($"- {name}: {value}");
        }

        output.WriteLine();

        static string Line(IEnumerable<string> cells) =>
            $"| {string.Join(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |";
    }

    private void PrintCsv(TextWriter output)
    {
        foreach (var table in Tables)
        {
            output.WriteLine(Line(table.Columns));
            foreach (var row in table.Rows)
            {
                output.WriteLine(Line(row));
            }
        }

        static string Line(IEnumerable<string> cells) =>
            string.Join(',', cells.Select(cell => $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));
    }
}
