using System.Net;
using System.Text;

namespace Ppsd.Host.Bench.Paper;

/// <summary>The report of a run: a page that needs nothing else, and Markdown with pictures beside it.</summary>
/// <param name="settings">What was measured.</param>
internal sealed class PaperReport(PaperSettings settings, PaperCells cells)
{
    /// <summary>The page.</summary>
    public const string PageName = "paper.html";

    /// <summary>The same as Markdown.</summary>
    public const string MarkdownName = "paper.md";

    private static readonly string[] _experiments = ["replication", "depth", "heads", "tasks", "lengths"];

    /// <summary>Cells whose texts differ from those of plain decoding, and all cells of the replication if their texts differ from each other.</summary>
    public IReadOnlyList<string> Differing { get; } =
    [
        .. _experiments.SelectMany(experiment =>
            cells.Of(experiment).Where(cell => (bool?)cell.Figures["text_identical"] == false).Select(cell => cell.Name)
        ),
        .. cells.Of("replication").Select(cell => (string?)cell.Figures["text"]).Distinct().Count() > 1
            ? (string[])["replication, between its methods"]
            : [],
    ];

    /// <summary>Writes the page, the Markdown and the pictures.</summary>
    /// <exception cref="UserErrorException">A file cannot be written.</exception>
    public void Write()
    {
        var sections = new PaperSections(settings, cells).All();
        var pictures = new Dictionary<string, byte[]>();
        foreach (var section in sections)
        {
            if (section.Picture is { } picture)
            {
                var path = Path.Combine(settings.Folder, picture.File);
                try
                {
                    picture.Plot.Save(path);
                    pictures[picture.File] = File.ReadAllBytes(path);
                }
                catch (UserErrorException e)
                {
                    // Plots need the system's fonts. Without them the report has tables only, which hold the same figures.
                    Console.Error.WriteLine(e.Message);
                }
            }
        }

        try
        {
            File.WriteAllText(Path.Combine(settings.Folder, MarkdownName), Markdown(sections, pictures.Keys));
            File.WriteAllText(Path.Combine(settings.Folder, PageName), Page(sections, pictures));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--out: the report cannot be written: {e.Message}", e);
        }
    }

    private string Setting =>
        $"{settings.Assets.Name}; {settings.Key}; {Environment.ProcessorCount} cores; texts "
        + (
            Differing.Count == 0
                ? "identical to plain decoding in every cell"
                : $"DIFFER in {string.Join(", ", Differing)}"
        );

    private string Markdown(IReadOnlyList<PaperSection> sections, IReadOnlyCollection<string> pictures)
    {
        var text = new StringBuilder($"{Setting}.\n");
        foreach (var section in sections)
        {
            text.Append($"\n## {section.Title}\n\n{section.Text}\n");
            if (section.Table.Rows.Count > 0)
            {
                text.Append('\n').Append(Line(section.Table.Columns));
                text.Append(Line(section.Table.Columns.Select((_, i) => i == 0 ? "---" : "---:")));
                foreach (var row in section.Table.Rows)
                {
                    text.Append(Line(row));
                }
            }

            if (section.Picture is { } picture && pictures.Contains(picture.File))
            {
                text.Append($"\n![{section.Title}]({picture.File})\n");
            }
        }

        return text.ToString();

        static string Line(IEnumerable<string> entries) =>
            $"| {string.Join(" | ", entries.Select(entry => entry.Replace("|", "\\|", StringComparison.Ordinal)))} |\n";
    }

    private string Page(IReadOnlyList<PaperSection> sections, Dictionary<string, byte[]> pictures)
    {
        const string Style =
            "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}"
            + "table{border-collapse:collapse;font-size:.9rem}td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:right}"
            + "td:first-child,th:first-child{text-align:left}div{overflow-x:auto}img{max-width:100%}"
            + "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}td,th{border-color:#444}img{background:#fff}}";
        var page = new StringBuilder(
            $"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>PPSD: the paper and its rivals</title>\n<style>{Style}</style>\n<h1>The paper and its rivals</h1>\n<p>{E(Setting)}.</p>\n"
        );
        foreach (var section in sections)
        {
            page.Append($"<h2>{E(section.Title)}</h2>\n<p>{E(section.Text)}</p>\n");
            if (section.Table.Rows.Count > 0)
            {
                page.Append("<div><table>\n<tr>");
                page.AppendJoin("", section.Table.Columns.Select(column => $"<th>{E(column)}</th>"));
                foreach (var row in section.Table.Rows)
                {
                    page.Append("\n<tr>").AppendJoin("", row.Select(entry => $"<td>{E(entry)}</td>"));
                }

                page.Append("\n</table></div>\n");
            }

            if (section.Picture is { } picture && pictures.TryGetValue(picture.File, out var bytes))
            {
                page.Append(
                    $"<p><img alt=\"{E(picture.Plot.Title)}\" src=\"data:image/png;base64,{Convert.ToBase64String(bytes)}\"></p>\n"
                );
            }
        }

        return page.Append("</html>\n").ToString();

        static string E(string text) => WebUtility.HtmlEncode(text);
    }
}
