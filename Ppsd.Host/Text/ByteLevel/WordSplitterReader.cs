using System.Text.Json;
using System.Text.RegularExpressions;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// Reads the <c>pre_tokenizer</c> section of a byte-level tokenizer.json: Split, Digits and ByteLevel, alone or in a
/// Sequence that ends with ByteLevel. Anything else is refused by name.
/// </summary>
internal sealed class WordSplitterReader(JsonFile file)
{
    // The pattern of GPT-2, which ByteLevel means by use_regex.
    private const string ByteLevelPattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly List<Step> _splits = [];

    /// <summary>
    /// How long one match may take: patterns come with the model, and one that backtracks for ever must end in an
    /// error.
    /// </summary>
    public TimeSpan MatchTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether the section makes the tokenizer a byte-level one.</summary>
    public static bool IsByteLevel(JsonFile file) =>
        JsonFile.Find(file.Root, "pre_tokenizer") is { } section
        && JsonFile
            .Steps(section, "pretokenizers")
            .Any(step =>
                JsonFile.Find(step, "type") is { ValueKind: JsonValueKind.String } type && type.ValueEquals("ByteLevel")
            );

    /// <summary>Reads the section.</summary>
    /// <exception cref="TextException">A step is malformed or not supported.</exception>
    public WordSplitter Read()
    {
        var section =
            JsonFile.Find(file.Root, "pre_tokenizer")
            ?? throw TextException.Unsupported(file.Path, "pre_tokenizer", "none", "ByteLevel");
        var addsPrefixSpace = false;
        var seenByteLevel = false;
        foreach (var step in JsonFile.Steps(section, "pretokenizers"))
        {
            var type = file.FindString(step, "type");
            if (seenByteLevel)
            {
                throw TextException.Unsupported(
                    file.Path,
                    "pre_tokenizer",
                    $"{type} after ByteLevel",
                    "ByteLevel last"
                );
            }

            switch (type)
            {
                case "Split":
                    _splits.Add(ReadSplit(step));
                    break;
                case "Digits":
                    _splits.Add(ReadDigits(step));
                    break;
                case "ByteLevel":
                    seenByteLevel = true;
                    addsPrefixSpace = ReadByteLevel(step);
                    break;
                default:
                    throw TextException.Unsupported(
                        file.Path,
                        "pre_tokenizer",
                        type ?? JsonFile.Describe(step),
                        "Split, Digits, ByteLevel"
                    );
            }
        }

        var standIns = new StandIns(_splits.Select(split => split.Pattern));
        return new WordSplitter(
            file.Path,
            [
                .. _splits.Select(split => new WordSplit(
                    Compile(split, standIns),
                    split.KeepsMatches,
                    split.KeepsGaps,
                    split.Join
                )),
            ],
            standIns,
            addsPrefixSpace
        );
    }

    private Step ReadSplit(JsonElement step)
    {
        var behavior = file.FindString(step, "behavior");
        var inverted = file.FindBoolean(step, "invert") ?? false;
        var pattern = JsonFile.Find(step, "pattern") ?? step;
        var (source, regex) =
            file.FindString(pattern, "Regex") is { } expression ? (expression, Translate(expression))
            : file.FindString(pattern, "String") is { } literal ? (literal, Regex.Escape(literal))
            : throw TextException.Unsupported(
                file.Path,
                "pre_tokenizer.pattern",
                JsonFile.Describe(pattern),
                "Regex or String"
            );
        var whole = new Step(source, regex);
        return behavior switch
        {
            "Isolated" => whole,
            "Removed" => whole with { KeepsMatches = inverted, KeepsGaps = !inverted },
            "MergedWithPrevious" => whole with
            {
                Join = inverted ? WordSplit.Joins.GapToMatch : WordSplit.Joins.MatchToGap,
            },
            "MergedWithNext" => whole with
            {
                Join = inverted ? WordSplit.Joins.MatchToGap : WordSplit.Joins.GapToMatch,
            },
            "Contiguous" => whole with { Join = WordSplit.Joins.MatchToMatch },
            _ => throw TextException.Unsupported(
                file.Path,
                "pre_tokenizer.behavior",
                $"'{behavior}'",
                "Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous"
            ),
        };
    }

    private string Translate(string pattern)
    {
        try
        {
            return OnigurumaPattern.ToNet(pattern);
        }
        catch (FormatException e)
        {
            throw new TextException($"{file.Path}: pre_tokenizer.pattern: '{pattern}': {e.Message}", e)
            {
                IsModelAtFault = true,
            };
        }
    }

    private Step ReadDigits(JsonElement step)
    {
        var pattern = file.FindBoolean(step, "individual_digits") == true ? @"\p{N}" : @"\p{N}+";
        return new Step(pattern, pattern);
    }

    private bool ReadByteLevel(JsonElement step)
    {
        var addsPrefixSpace = file.FindBoolean(step, "add_prefix_space") ?? true;
        if (addsPrefixSpace && _splits.Count > 0)
        {
            throw TextException.Unsupported(
                file.Path,
                "pre_tokenizer.add_prefix_space",
                "true after another step",
                "false, or ByteLevel alone"
            );
        }

        if (file.FindBoolean(step, "use_regex") ?? true)
        {
            _splits.Add(new Step(ByteLevelPattern, ByteLevelPattern));
        }

        return addsPrefixSpace;
    }

    private Regex Compile(Step step, StandIns standIns)
    {
        try
        {
            return new Regex(
                standIns.Rewrite(step.Pattern),
                RegexOptions.CultureInvariant | RegexOptions.Multiline,
                MatchTimeout
            );
        }
        catch (ArgumentException e)
        {
            throw new TextException(
                $"{file.Path}: pre_tokenizer.pattern: .NET cannot match '{step.Source}': {e.Message}",
                e
            )
            {
                IsModelAtFault = true,
            };
        }
    }

    /// <summary>A step of the section.</summary>
    /// <param name="Source">Its pattern as the file spells it.</param>
    /// <param name="Pattern">The same for .NET.</param>
    private sealed record Step(string Source, string Pattern)
    {
        public bool KeepsMatches { get; init; } = true;

        public bool KeepsGaps { get; init; } = true;

        public WordSplit.Joins Join { get; init; }
    }
}
