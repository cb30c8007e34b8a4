namespace Ppsd.Tests.Host.Text;

/// <summary>
/// Reproducible texts that are hard on tokenizers: runs, mixed scripts, marks, characters of every UTF-8 length.
/// </summary>
internal sealed class RandomText(int seed)
{
    private static readonly string[] _parts =
    [
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "a",
        "e",
        "s",
        "t",
        "the",
        " the",
        "ing",
        "USER",
        ":",
        "aaa",
        "====",
        "-=-=",
        "...",
        "1",
        "2024",
        "'s",
        "'LL",
        "é",
        "e\u0301",
        "ß",
        "漢",
        "字",
        "한글",
        "\u1112\u1161\u11AB",
        "☃",
        "🙂",
        "👍🏽",
        "𝐇𝐞",
        "𠮷",
        "\u00A0",
        "\u200B",
        "▁",
        "<s>",
        "</s>",
        "<|eot_id|>",
        "Ġ",
        "\0",
        "\u2003",
    ];

    private readonly Random _random = new(seed);

    public string Next(int maxParts) =>
        string.Concat(Enumerable.Range(0, _random.Next(maxParts + 1)).Select(_ => _parts[_random.Next(_parts.Length)]));
}
