using Spectre.Console;

namespace Ppsd.Host.Terminal;

/// <summary>
/// Standard output, for results alone. Where it is no terminal the program claims it as it starts: whatever else writes to the
/// console, a library that logs on its way out included, is on standard error from then on.
/// </summary>
internal static class StandardOutput
{
    private static TextWriter? _claimed;

    /// <summary>Where results go.</summary>
    public static TextWriter Writer => _claimed ?? Console.Out;

    /// <summary>Claims it; called once, before anything else writes.</summary>
    public static void Claim()
    {
        if (!Console.IsOutputRedirected)
        {
            return;
        }

        _claimed = Console.Out;
        AnsiConsole.Console = AnsiConsole.Create(
            new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_claimed), Interactive = InteractionSupport.No }
        );
        Console.SetOut(Console.Error);
    }

    /// <summary>Writes a line of a result.</summary>
    public static void WriteLine(string line) => Writer.WriteLine(line);
}
