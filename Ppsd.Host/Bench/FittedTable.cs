using Spectre.Console;
using Spectre.Console.Rendering;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Bench;

/// <summary>
/// A benchmark's table for a terminal of some width. Headings wrap, and so do the names of rows; a figure never does.
/// Where even that is too wide, each row becomes a list of its own, a figure a line.
/// </summary>
internal static class FittedTable
{
    /// <summary>Border and padding of a column.</summary>
    private const int Frame = 3;

    /// <summary>Returns the table fitted to a terminal.</summary>
    /// <param name="table">The table; the first column names the rows.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IRenderable Of(BenchTable table, int width) =>
        Widths(table, width - Frame * table.Columns.Count - 1) is { } widths ? Columns(table, widths) : Lists(table);

    private static Table Columns(BenchTable source, int[] widths)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (heading, i) in source.Columns.Select((heading, i) => (heading, i)))
        {
            var column = new TableColumn(new PlainText(heading)).Width(widths[i]);
            table.AddColumn(i == 0 ? column : column.RightAligned());
        }

        foreach (var row in source.Rows)
        {
            table.AddRow(row.Select(cell => new PlainText(cell)));
        }

        return table;
    }

    private static Rows Lists(BenchTable source)
    {
        var lists = new List<IRenderable>();
        foreach (var row in source.Rows)
        {
            var list = new Grid().AddColumn(new GridColumn().PadRight(3)).AddColumn(new GridColumn().NoWrap());
            foreach (var (heading, cell) in source.Columns.Zip(row))
            {
                list.AddRow(new PlainText(heading), new PlainText(cell));
            }

            lists.Add(new PlainText(""));
            lists.Add(list);
        }

        return new Rows(lists);
    }

    /// <summary>Width of each column so that all take at most <paramref name="room"/>; null when they cannot.</summary>
    private static int[]? Widths(BenchTable table, int room)
    {
        var widths = new int[table.Columns.Count];
        var wanted = new int[widths.Length];
        for (var i = 0; i < widths.Length; i++)
        {
            var cells = table.Rows.Select(row => row[i]).ToList();
            var longestCell = cells.Select(cell => i == 0 ? LongestWord(cell) : cell.Length).DefaultIfEmpty().Max();
            widths[i] = Math.Max(1, Math.Max(longestCell, LongestWord(table.Columns[i])));
            wanted[i] = Math.Max(widths[i], cells.Append(table.Columns[i]).Max(cell => cell.Length));
        }

        room -= widths.Sum();
        if (room < 0)
        {
            return null;
        }

        // The remaining width goes to row names first, then to headings.
        for (var i = 0; i < widths.Length; i++)
        {
            var more = Math.Min(room, wanted[i] - widths[i]);
            widths[i] += more;
            room -= more;
        }

        return widths;
    }

    private static int LongestWord(string text) => text.Split(' ').Max(word => word.Length);
}
