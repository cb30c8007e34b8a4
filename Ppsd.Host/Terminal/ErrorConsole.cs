using Spectre.Console;

namespace Ppsd.Host.Terminal;

/// <summary>Standard error as a console: progress, notes and summaries go there, standard output belongs to results.</summary>
internal static class ErrorConsole
{
    /// <summary>True when standard error is a terminal.</summary>
    public static bool IsTerminal => !Console.IsErrorRedirected;

    /// <summary>Standard error as it is now.</summary>
    public static IAnsiConsole Open()
    {
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(Console.Error),
                Ansi = IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
                Interactive = IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            }
        );

        // Lines in a log must not be wrapped at a terminal's width that nobody has.
        if (!IsTerminal)
        {
            console.Profile.Width = 500;
        }

        return console;
    }
}
