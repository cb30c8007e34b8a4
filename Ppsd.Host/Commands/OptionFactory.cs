using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Ppsd.Host.Commands;

/// <summary>
/// Options whose refusals are one line: option, what was expected, what was found. Each has an environment twin,
/// <c>PPSD_</c> and its name in capitals, see <see cref="EnvironmentTwins"/>.
/// </summary>
internal static class OptionFactory
{
    /// <summary>Free text.</summary>
    public static Option<string?> Text(string name, string helpName, string description) =>
        Described(new Option<string?>(name) { HelpName = helpName }, description);

    /// <summary>Text that may be given several times.</summary>
    public static Option<string[]> Texts(string name, string helpName, string description) =>
        Described(new Option<string[]>(name) { HelpName = helpName, DefaultValueFactory = _ => [] }, description);

    /// <summary>A switch.</summary>
    public static Option<bool> Switch(string name, string description) =>
        Described(new Option<bool>(name) { Arity = ArgumentArity.Zero }, description);

    /// <summary>One of a few words.</summary>
    public static Option<string?> Choice(string name, string description, params string[] words) =>
        Described(
            new Option<string?>(name)
            {
                HelpName = string.Join('|', words),
                CustomParser = result =>
                {
                    var found = result.Tokens[0].Value;
                    return words.Contains(found)
                        ? found
                        : Refuse<string?>(result, name, string.Join(" or ", words), found);
                },
            },
            description
        );

    /// <summary>The value as text.</summary>
    /// <param name="helpName">What its help calls the text.</param>
    /// <param name="description">Text of its help.</param>
    /// <param name="parse">Returns the value; null for an invalid text.</param>
    /// <param name="expected">The expected values, for the refusal.</param>
    public static Option<T?> Parsed<T>(
        string name,
        string helpName,
        string description,
        Func<string, T?> parse,
        string expected
    )
        where T : class =>
        Described(
            new Option<T?>(name)
            {
                HelpName = helpName,
                CustomParser = result =>
                {
                    var found = result.Tokens[0].Value;
                    return parse(found) ?? Refuse<T>(result, name, expected, found);
                },
            },
            description
        );

    /// <summary>A number in a range.</summary>
    public static Option<T?> Number<T>(string name, string helpName, string description, T min, T max)
        where T : struct, INumber<T> =>
        Described(
            new Option<T?>(name)
            {
                HelpName = helpName,
                CustomParser = result =>
                {
                    var found = result.Tokens[0].Value;
                    return
                        T.TryParse(
                            found,
                            NumberStyles.Number | NumberStyles.AllowExponent,
                            CultureInfo.InvariantCulture,
                            out var value
                        )
                        && value >= min
                        && value <= max
                        ? value
                        : Refuse<T?>(result, name, $"a number from {Print(min)} to {Print(max)}", found);
                },
            },
            description
        );

    /// <summary>Whole numbers between commas, each at least 1.</summary>
    public static Option<int[]?> Counts(string name, string helpName, string description) =>
        Described(
            new Option<int[]?>(name)
            {
                HelpName = helpName,
                Arity = ArgumentArity.ExactlyOne,
                CustomParser = result =>
                {
                    var found = result.Tokens[0].Value;
                    var counts = new List<int>();
                    foreach (var part in found.Split(','))
                    {
                        if (
                            !int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                            || count < 1
                        )
                        {
                            return Refuse<int[]?>(result, name, "whole numbers from 1 between commas", found);
                        }

                        counts.Add(count);
                    }

                    return [.. counts];
                },
            },
            description
        );

    private static TOption Described<TOption>(TOption option, string description)
        where TOption : Option
    {
        option.Description = $"{description} [{EnvironmentTwins.NameOf(option)}]";
        return option;
    }

    private static T? Refuse<T>(ArgumentResult result, string name, string expected, string found)
    {
        result.AddError($"{name}: expected {expected}, found '{found}'");
        return default;
    }

    private static string Print<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
