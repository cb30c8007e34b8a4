using Spectre.Console;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Terminal;

/// <summary>Standard error as a console: progress, notes and summaries go there, standard output belongs to results.</summary>
internal static class ErrorConsole
{
    /// <summary>True when standard error is a terminal.</summary>
    public static bool IsTerminal => !Console.IsErrorRedirected;

    /// <summary>Tells in one line what cannot be done.</summary>
    public static void Complain(string message) => Console.Error.WriteLine($"ppsd: {message.ReplaceLineEndings(" ")}");

    /// <summary>Writes a line that is not to draw the eye.</summary>
    public static void WriteDimmed(string line) => Open().Write(new PlainText(line + "\n", new Style(Color.Grey)));

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
