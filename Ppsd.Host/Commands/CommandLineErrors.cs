using System.CommandLine;
using System.CommandLine.Parsing;

namespace Ppsd.Host.Commands;

/// <summary>The first thing that is wrong with a command line, in one line that names it. Pure.</summary>
internal static class CommandLineErrors
{
    /// <summary>The line; null when nothing is wrong.</summary>
    public static string? Find(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        if (command.Subcommands.Count > 0)
        {
            return parsed.Errors.Count > 0 ? MissingCommand(parsed, command) : null;
        }

        // Before the parser's own errors: it takes a misspelt option for an argument and then blames what follows.
        if (UnknownOption(parsed, command) is { } unknown)
        {
            var name = unknown.Split('=')[0];
            var known = command.Options.Where(option => !option.Hidden).Select(option => option.Name);
            return $"unknown option '{name}'{NearestName.Hint(name, known)}; 'ppsd {PathOf(parsed)} --help' lists all";
        }

        if (parsed.UnmatchedTokens.Count > 0)
        {
            var expected = command.Arguments.Count == 0 ? "no argument" : command.Arguments[0].Name + " alone";
            return $"{command.Name}: expected {expected}, found '{parsed.UnmatchedTokens[^1]}' as well";
        }

        return parsed.Errors.Count > 0 ? Describe(parsed.Errors[0]) : null;
    }

    private static string MissingCommand(ParseResult parsed, Command command)
    {
        var known = command.Subcommands.Where(sub => !sub.Hidden).Select(sub => sub.Name).ToList();
        var found = parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null;
        return $"expected a command ({string.Join(", ", known)}), found "
            + (found is null ? "none" : $"'{found}'{NearestName.Hint(found, known)}")
            + "; --help tells more";
    }

    /// <summary>
    /// A word that can only be meant as an option: it starts with two dashes, or with one and a letter where there are more
    /// words than the command takes. What follows <c>--</c> is an argument whatever it starts with.
    /// </summary>
    private static string? UnknownOption(ParseResult parsed, Command command)
    {
        var afterDashes = parsed
            .Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash)
            .ToHashSet(ReferenceEqualityComparer.Instance);
        var words = command
            .Arguments.SelectMany(argument => parsed.GetResult(argument)?.Tokens ?? [])
            .Where(token => !afterDashes.Contains(token))
            .Select(token => token.Value)
            .Concat(afterDashes.Count == 0 ? parsed.UnmatchedTokens : []);
        return words.FirstOrDefault(word =>
            word.Length > 2 && word.StartsWith("--", StringComparison.Ordinal)
            || parsed.UnmatchedTokens.Count > 0 && word.Length > 1 && word[0] == '-' && char.IsAsciiLetter(word[1])
        );
    }

    private static string Describe(ParseError error) =>
        error.SymbolResult switch
        {
            OptionResult { Tokens.Count: 0, Option: var option } =>
                $"{option.Name}: expected {option.HelpName ?? "a value"}, found nothing",
            OptionResult { Option: var option, Tokens: var tokens }
                when tokens.Count > option.Arity.MaximumNumberOfValues =>
                $"{option.Name}: expected once, found {tokens.Count} times",
            ArgumentResult { Tokens.Count: 0, Argument: var argument } =>
                $"expected {argument.Name} ({Phrase(argument.Description)}), found nothing",
            _ => error.Message,
        };

    /// <summary>A sentence as a part of another one.</summary>
    private static string Phrase(string? sentence) =>
        string.IsNullOrEmpty(sentence)
            ? "an argument"
            : char.ToLowerInvariant(sentence[0]) + sentence[1..].TrimEnd('.');

    /// <summary>The words that lead to the command.</summary>
    private static string PathOf(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (
            SymbolResult? at = parsed.CommandResult;
            at is CommandResult { Parent: not null } result;
            at = result.Parent
        )
        {
            names.Push(result.Command.Name);
        }

        return string.Join(' ', names);
    }
}
