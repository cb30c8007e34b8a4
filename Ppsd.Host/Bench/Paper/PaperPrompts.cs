namespace Ppsd.Host.Bench.Paper;

/// <summary>Prompts of four tasks, raw and short enough for any tokenizer.</summary>
internal static class PaperPrompts
{
    /// <summary>The tasks by name.</summary>
    public static IReadOnlyList<(string Task, IReadOnlyList<string> Prompts)> All { get; } =
    [
        ("sums", [.. BuiltInQuestions.All.Take(3).Select(question => $"USER: {question} ASSISTANT:")]),
        (
            "code",
            [
                "def fibonacci(n):\n    if n < 2:\n        return n\n    return",
                "for (int i = 0; i < n; i++)\n{\n    sum += values[i];\n}\n\nfor (int j = 0; j < m; j++)\n{\n",
                "SELECT name, price FROM products WHERE price > 10 ORDER BY",
            ]
        ),
        (
            "prose",
            [
                "The old man walked slowly down to the sea, and when he came to the water he",
                "It was late in the year, and the first snow had fallen on the hills behind the town. Nobody",
                "Once upon a time there was a girl who lived with her grandmother in a small house. One day",
            ]
        ),
        (
            "quoting",
            [
                "Tom has 3 red boxes and 12 blue balls. Say it again, word for word: Tom has 3 red boxes and 12 blue balls. Say it again, word for word:",
                "one two three four five six one two three four five six one two three",
                "The train leaves at 9 and comes at 12. The train leaves at 9 and comes at 12. The train leaves",
            ]
        ),
    ];
}
