using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary>Options that say how a benchmark reports.</summary>
internal sealed class ReportOptions : IOptionGroup
{
    private readonly Option<string?> _output;

    private readonly Option<bool> _json = OptionFactory.Switch("--json", "Prints one JSON object instead of a table.");

    public ReportOptions()
    {
        _output = OptionFactory.Choice(
            "--output",
            "How to print; table by default. The last line is one JSON object whatever the form.",
            "table",
            "md",
            "csv",
            "json"
        );
        _output.Aliases.Add("-o");
    }

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_output);
        command.Options.Add(_json);
    }

    /// <summary>Prints a report as they say.</summary>
    public void Print(ParseResult parsed, BenchReport report) =>
        report.Print(Format(parsed), OutputConsole.Open(), StandardOutput.Writer);

    private ReportFormat Format(ParseResult parsed) =>
        (parsed.GetValue(_output), parsed.GetValue(_json)) switch
        {
            ("md", _) => ReportFormat.Markdown,
            ("csv", _) => ReportFormat.Csv,
            ("json", _) or (null, true) => ReportFormat.Json,
            _ => ReportFormat.Table,
        };
}
