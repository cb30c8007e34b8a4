using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>Reads a class of characters (<c>[...]</c>) of Oniguruma's syntax: classes may lie in one another and intersect.</summary>
/// <param name="input">Stands behind the opening bracket.</param>
internal sealed class OnigurumaClass(PatternCursor input)
{
    private readonly StringBuilder _items = new(); // what .NET can say within one pair of brackets
    private readonly List<string> _others = []; // expressions for one character each, besides
    private readonly List<Set> _operands = []; // of intersections, before the one that is being read

    /// <summary>Reads the class and its closing bracket.</summary>
    /// <exception cref="FormatException">It cannot be read or said in .NET.</exception>
    public Set Read()
    {
        var isNegated = input.TryTake("^");
        for (var isFirst = true; isFirst || input.Peek() != ']'; isFirst = false)
        {
            if (input.IsAtEnd)
            {
                throw PatternCursor.Refusal("a class that does not end", "a ] behind each [");
            }

            if (input.TryTake("&&"))
            {
                _operands.Add(Operand());
                _items.Clear();
                _others.Clear();
            }
            else if (!TryReadSet())
            {
                ReadCharacters();
            }
        }

        input.Take();
        _operands.Add(Operand());
        var set = _operands is [var only]
            ? only
            : new Set(null, $"(?:{string.Concat(_operands[..^1].Select(o => $"(?={o.Regex})"))}{_operands[^1].Regex})");
        return isNegated ? set.Negated : set;
    }

    /// <summary>Reads an escape sequence that names a set of characters; false, and nothing read, for any other text.</summary>
    /// <exception cref="FormatException">It begins like one and cannot be read.</exception>
    public static bool TryReadEscape(PatternCursor input, out Set set)
    {
        set = default;
        if (input.Peek() != '\\')
        {
            return false;
        }

        var letter = input.Peek(1);
        if (letter is 'w' or 'W' or 'h' or 'H')
        {
            input.TryTake($"\\{letter}");
            set = Set.Of(CharacterSets.Find(letter is 'w' or 'W' ? "word" : "xdigit")!);
            set = char.IsAsciiLetterUpper(letter) ? set.Negated : set;
            return true;
        }

        if (letter is not ('p' or 'P') || input.Peek(2) != '{')
        {
            return false;
        }

        input.TryTake($"\\{letter}{{");
        var name =
            input.TakeUpTo("}")
            ?? throw PatternCursor.Refusal($"\\{letter}{{ without a }}", "the name of a property between braces");
        var isNegated = letter == 'P' ^ name.StartsWith('^');
        name = name.TrimStart('^');
        set = CharacterSets.Find(name) is { } items ? Set.Of(items) : Set.Of($"\\p{{{name}}}");
        set = isNegated ? set.Negated : set;
        return true;
    }

    private Set Operand() =>
        _others.Count == 0
            ? _items.Length == 0
                ? throw PatternCursor.Refusal("an empty class", "characters in it")
                : Set.Of($"{_items}")
            : new Set(null, $"(?:{string.Join('|', _items.Length == 0 ? _others : _others.Prepend($"[{_items}]"))})");

    private bool TryReadSet()
    {
        if (input.TryTake("[:"))
        {
            Add(ReadPosixBracket());
        }
        else if (input.TryTake("["))
        {
            Add(new OnigurumaClass(input).Read());
        }
        else if (TryReadEscape(input, out var set))
        {
            Add(set);
        }
        else if (input.Peek() == '\\' && input.Peek(1) is 'd' or 'D' or 's' or 'S')
        {
            _items.Append(input.Take()).Append(input.Take());
        }
        else
        {
            return false;
        }

        return true;
    }

    private Set ReadPosixBracket()
    {
        var name = input.TakeUpTo(":]") ?? "";
        var items = CharacterSets.FindPosix(name.TrimStart('^'));
        return items is null
                ? throw PatternCursor.Refusal($"[:{name}:]", $"[:{string.Join(":], [:", CharacterSets.PosixNames)}:]")
            : name.StartsWith('^') ? Set.Of(items).Negated
            : Set.Of(items);
    }

    private void Add(Set set)
    {
        if (set.Items is { } items)
        {
            _items.Append(items);
        }
        else
        {
            _others.Add(set.Regex);
        }
    }

    private void ReadCharacters()
    {
        var first = ReadCharacter();
        var last = first;
        if (input.Peek() == '-' && IsCharacter(1))
        {
            input.Take();
            last = ReadCharacter();
            if (last < first)
            {
                throw PatternCursor.Refusal($"a range from U+{first:X4} down to U+{last:X4}", "ranges that ascend");
            }
        }

        CharacterSets.AppendRange(_items, first, last);
    }

    private int ReadCharacter()
    {
        if (input.TryTakeEscapedCharacter(isInClass: true, out var character))
        {
            return character;
        }

        return input.Peek() == '\\'
            ? throw PatternCursor.Refusal(
                string.Create(CultureInfo.InvariantCulture, $"\\{input.Peek(1)} in a class"),
                "escapes of characters, \\d, \\s, \\w, \\h and \\p{...}"
            )
            : input.TakeCharacter();
    }

    // Whether a character stands there that can end a range: not a set, nor the class's end.
    private bool IsCharacter(int ahead) =>
        input.Peek(ahead) switch
        {
            '\0' or ']' or '[' => false,
            '&' => input.Peek(ahead + 1) != '&',
            '\\' => !"dDsSwWhHpP".Contains(input.Peek(ahead + 1), StringComparison.Ordinal),
            _ => true,
        };

    /// <summary>A set of characters.</summary>
    /// <param name="Items">What stands for it between brackets; null where only <paramref name="Regex"/> can say it.</param>
    /// <param name="Regex">An expression that matches one character of it.</param>
    internal readonly record struct Set(string? Items, string Regex)
    {
        /// <summary>All other characters.</summary>
        public Set Negated => new(null, Items is null ? $"(?:(?!{Regex})[\\s\\S])" : $"[^{Items}]");

        /// <summary>A set that brackets can say.</summary>
        public static Set Of(string items) => new(items, $"[{items}]");
    }
}
