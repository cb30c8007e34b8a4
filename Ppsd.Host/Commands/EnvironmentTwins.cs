using System.CommandLine;

namespace Ppsd.Host.Commands;

/// <summary>
/// Every option can be given as an environment variable: <c>--max-tokens</c> as <c>PPSD_MAX_TOKENS</c>. What stands on
/// the command line wins. Switches are on for <c>1</c> or <c>true</c>.
/// </summary>
internal static class EnvironmentTwins
{
    /// <summary>The variable of an option.</summary>
    public static string NameOf(Option option) =>
        "PPSD_" + option.Name.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    /// <summary>The arguments, and behind them the options of the invoked command that only the environment gives.</summary>
    public static string[] Expand(Command root, string[] arguments, Func<string, string?> environment)
    {
        var parsed = root.Parse(arguments);
        var expanded = new List<string>(arguments);
        foreach (var option in parsed.CommandResult.Command.Options)
        {
            if (
                parsed.GetResult(option) is { Implicit: false }
                || environment(NameOf(option)) is not { Length: > 0 } value
            )
            {
                continue;
            }

            if (option.Arity.MaximumNumberOfValues > 0)
            {
                // Joined, so that a value that starts with a dash stays a value.
                expanded.Add($"{option.Name}={value}");
            }
            else if (value is "1" or "true")
            {
                expanded.Add(option.Name);
            }
        }

        return [.. expanded];
    }
}
