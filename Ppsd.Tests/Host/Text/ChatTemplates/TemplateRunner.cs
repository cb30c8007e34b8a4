using System.Text.Json;
using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;

namespace Ppsd.Tests.Host.Text.ChatTemplates;

/// <summary>Renders templates for tests, at a fixed time and with a fixed set of variables.</summary>
internal static class TemplateRunner
{
    /// <summary>Saturday, 6 July 2024, 15:04:05.</summary>
    public static readonly TimeProvider Time = new FixedTime();

    private const string Variables = """
        {
            "s": "Hello World", "empty": "", "u": "aé漢🙂b", "quote": "it's \"q\"\n", "space": " \t x y \n ",
            "n": 7, "zero": 0, "neg": -7, "f": 2.5, "yes": true, "no": null,
            "l": [3, 1, 2], "ls": ["a", "b", "c"], "el": [], "em": {},
            "m": {"a": 1, "b": [1, 2], "items": 5, "k": null},
            "recs": [{"role": "user", "n": 1}, {"role": "tool", "n": 2}, {"role": "user"}]
        }
        """;

    private static readonly Dictionary<string, JsonElement> _variables = Parse(Variables);

    public static string Render(string template, params ChatMessage[] messages) =>
        ChatTemplate
            .Parse("t", template, [], Time)
            .Render(messages, new ChatRendering { AddsGenerationPrompt = false, Variables = _variables });

    public static string Evaluate(string expression) => Render($"{{{{ {expression} }}}}");

    public static Dictionary<string, JsonElement> Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document
            .RootElement.EnumerateObject()
            .ToDictionary(member => member.Name, member => member.Value.Clone());
    }

    private sealed class FixedTime : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 7, 6, 15, 4, 5, TimeSpan.Zero);
    }
}
