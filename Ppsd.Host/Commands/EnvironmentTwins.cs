using System.CommandLine;
using System.Text.RegularExpressions;

namespace Ppsd.Host.Commands;

/// <summary>
/// Every option can be given as an environment variable: <c>--max-tokens</c> as <c>PPSD_MAX_TOKENS</c>. What stands on
/// the command line wins, and an empty variable is as good as none. Switches are on for <c>1</c> or <c>true</c>, off for
/// <c>0</c> or <c>false</c>.
/// </summary>
internal static class EnvironmentTwins
{
    /// <summary>The variable of an option.</summary>
    public static string NameOf(Option option) =>
        "PPSD_" + option.Name.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    /// <summary>The arguments, and the options of the invoked command that only the environment gives.</summary>
    /// <exception cref="UserErrorException">A switch's variable is neither on nor off.</exception>
    public static ExpandedLine Expand(Command root, string[] arguments, Func<string, string?> environment)
    {
        var parsed = root.Parse(arguments);
        var added = new List<string>();
        var fromEnvironment = new List<Option>();

        // The root's own options are --help and --version; PPSD_VERSION is something else's variable.
        var options = parsed.CommandResult.Command is PpsdCommand command ? command.Options : [];
        foreach (var option in options)
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
                added.Add($"{option.Name}={value}");
                fromEnvironment.Add(option);
            }
            else if (IsOn(option, value))
            {
                added.Add(option.Name);
                fromEnvironment.Add(option);
            }
        }

        // Before --, behind which nothing is an option.
        var end = Array.IndexOf(arguments, "--");
        end = end < 0 ? arguments.Length : end;
        return new ExpandedLine([.. arguments[..end], .. added, .. arguments[end..]], fromEnvironment);
    }

    private static bool IsOn(Option option, string value) =>
        value switch
        {
            "1" or "true" => true,
            "0" or "false" => false,
            _ => throw new UserErrorException($"{NameOf(option)}: expected 1, true, 0 or false, found '{value}'"),
        };
}

/// <summary>A command line with what the environment adds.</summary>
/// <param name="Arguments">All arguments.</param>
/// <param name="FromEnvironment">Options that only the environment gave.</param>
internal sealed record ExpandedLine(string[] Arguments, IReadOnlyList<Option> FromEnvironment)
{
    /// <summary>A message with the variables' names in place of the options that the user did not write.</summary>
    public string Blame(string message) =>
        FromEnvironment.Aggregate(
            message,
            (text, option) =>
                Regex.Replace(text, $@"(?<![\w-]){Regex.Escape(option.Name)}(?![\w-])", EnvironmentTwins.NameOf(option))
        );
}
