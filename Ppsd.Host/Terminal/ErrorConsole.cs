using Spectre.Console;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Terminal;

/// <summary>Standard error as a console: progress, notes and summaries go there, standard output belongs to results.</summary>
internal static class ErrorConsole
{
    /// <summary>True when standard error is a terminal.</summary>
    public static bool IsTerminal => !Console.IsErrorRedirected;

    /// <summary>Columns of the terminal now; null when there is none.</summary>
    public static int? Columns => IsTerminal && Console.WindowWidth is > 0 and var columns ? columns : null;

    /// <summary>True when standard error is a terminal that shows colours, and nobody asked for none (no-color.org).</summary>
    public static bool HasColours => IsTerminal && MayHaveColours;

    /// <summary>False where nobody wants colours, or the terminal has none, whatever is a terminal here.</summary>
    internal static bool MayHaveColours =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Tells in one line what cannot be done.</summary>
    public static void Complain(string message)
    {
        try
        {
            Console.Error.WriteLine($"ppsd: {message.ReplaceLineEndings(" ")}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Standard error cannot be written either; the exit code is all that is left.
        }
    }

    /// <summary>Writes a line that is not to draw the eye.</summary>
    public static void WriteDimmed(string line) => Open().Write(new PlainText(line + "\n", new Style(Color.Grey)));

    /// <summary>Standard error's current stream.</summary>
    public static IAnsiConsole Open() =>
        IsTerminal
            ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
            : OutputConsole.OverFile(Console.Error);
}
