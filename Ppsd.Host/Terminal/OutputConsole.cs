using Spectre.Console;

namespace Ppsd.Host.Terminal;

/// <summary>Standard output as a console, for commands whose result is a table.</summary>
internal static class OutputConsole
{
    /// <summary>Columns of lines that do not go to a terminal: they must not be wrapped.</summary>
    private const int FileColumns = 500;

    /// <summary>True when standard output is a terminal.</summary>
    public static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>True when standard output is a terminal that shows colours, and nobody asked for none (no-color.org).</summary>
    public static bool HasColours => IsTerminal && ErrorConsole.MayHaveColours;

    /// <summary>Columns of the terminal now; null when there is none.</summary>
    public static int? Columns => IsTerminal ? Console.WindowWidth : null;

    /// <summary>Standard output's current console, made on demand: making it takes time that a streamed text should not pay.</summary>
    public static IAnsiConsole Open() => IsTerminal ? AnsiConsole.Console : OverFile(StandardOutput.Writer);

    /// <summary>A console over a file or a pipe: lines of any length, without colours and without blanks at their ends.</summary>
    public static IAnsiConsole OverFile(TextWriter output)
    {
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(new TrimmingWriter(output)),
                Ansi = AnsiSupport.No,
                Interactive = InteractionSupport.No,
            }
        );
        console.Profile.Width = FileColumns;
        return console;
    }
}
