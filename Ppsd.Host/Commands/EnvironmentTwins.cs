using System.CommandLine;
using System.Text.RegularExpressions;

namespace Ppsd.Host.Commands;

/// <summary>
/// Every option can be given as an environment variable: <c>--max-tokens</c> as <c>PPSD_MAX_TOKENS</c>. What stands on
/// the command line wins, and an empty variable is as good as none. Switches are on for <c>1</c> or <c>true</c>, off for
/// <c>0</c> or <c>false</c>. Where an option has an older name, so has its variable.
/// </summary>
internal static class EnvironmentTwins
{
    /// <summary>The variable of an option.</summary>
    public static string NameOf(Option option) => NameOf(option.Name);

    /// <summary>The arguments, and the options of the invoked command that only the environment gives.</summary>
    /// <exception cref="UserErrorException">A switch's variable is neither on nor off.</exception>
    public static ExpandedLine Expand(Command root, string[] arguments, Func<string, string?> environment)
    {
        var parsed = root.Parse(arguments);
        var added = new List<string>();
        var fromEnvironment = new List<(Option Option, string Variable)>();

        // The root's own options are --help and --version; PPSD_VERSION is something else's variable.
        var options = parsed.CommandResult.Command is PpsdCommand command ? command.Options : [];
        foreach (var option in options)
        {
            if (parsed.GetResult(option) is { Implicit: false } || TwinOf(option, environment) is not { } twin)
            {
                continue;
            }

            if (option.Arity.MaximumNumberOfValues > 0)
            {
                // Joined, so that a value that starts with a dash stays a value.
                added.Add($"{option.Name}={twin.Value}");
                fromEnvironment.Add((option, twin.Variable));
            }
            else if (IsOn(twin.Variable, twin.Value))
            {
                added.Add(option.Name);
                fromEnvironment.Add((option, twin.Variable));
            }
        }

        // Before --, behind which nothing is an option.
        var end = Array.IndexOf(arguments, "--");
        end = end < 0 ? arguments.Length : end;
        return new ExpandedLine(
            [.. arguments[..end], .. added, .. arguments[end..]],
            [.. fromEnvironment, .. options.SelectMany(option => OtherName(parsed, option))]
        );
    }

    /// <summary>The name by which the command line gives an option, where that is not its first one.</summary>
    private static IEnumerable<(Option Option, string Written)> OtherName(ParseResult parsed, Option option)
    {
        if (parsed.GetResult(option) is { IdentifierToken.Value: var written } && written != option.Name)
        {
            yield return (option, written);
        }
    }

    private static bool IsOn(string variable, string value) =>
        value switch
        {
            "1" or "true" => true,
            "0" or "false" => false,
            _ => throw new UserErrorException($"{variable}: expected 1, true, 0 or false, found '{value}'"),
        };

    private static string NameOf(string option) => "PPSD_" + option.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    /// <summary>The variable that gives an option, and what stands in it; null where none does.</summary>
    private static (string Variable, string Value)? TwinOf(Option option, Func<string, string?> environment)
    {
        var names = option
            .Aliases.Where(alias => alias.StartsWith("--", StringComparison.Ordinal))
            .Prepend(option.Name);
        foreach (var variable in names.Select(NameOf))
        {
            if (environment(variable) is { Length: > 0 } value)
            {
                return (variable, value);
            }
        }

        return null;
    }
}

/// <summary>A command line with what the environment adds.</summary>
/// <param name="Arguments">All arguments.</param>
/// <param name="Written">
/// Options that are given by another name than their first, each with what the user wrote: a variable, or an older name.
/// </param>
internal sealed record ExpandedLine(string[] Arguments, IReadOnlyList<(Option Option, string Name)> Written)
{
    /// <summary>A message with what the user wrote in place of the options' first names.</summary>
    public string Blame(string message) =>
        Written.Aggregate(
            message,
            (text, given) => Regex.Replace(text, $@"(?<![\w-]){Regex.Escape(given.Option.Name)}(?![\w-])", given.Name)
        );
}
