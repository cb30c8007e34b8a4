using Spectre.Console;

namespace Ppsd.Host.Terminal;

/// <summary>Standard output as a console, for commands whose result is a table.</summary>
internal static class OutputConsole
{
    /// <summary>Columns of lines that go to no terminal: they must not be wrapped.</summary>
    private const int FileColumns = 500;

    /// <summary>True when standard output is a terminal.</summary>
    public static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>Columns of the terminal now; null when there is none.</summary>
    public static int? Columns => IsTerminal ? Console.WindowWidth : null;

    /// <summary>Standard output as it is now.</summary>
    public static IAnsiConsole Open()
    {
        if (IsTerminal)
        {
            return AnsiConsole.Console;
        }

        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(StandardOutput.Writer),
                Ansi = AnsiSupport.No,
                Interactive = InteractionSupport.No,
            }
        );
        console.Profile.Width = FileColumns;
        return console;
    }
}
