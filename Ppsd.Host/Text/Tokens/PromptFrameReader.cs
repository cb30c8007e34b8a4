using System.Text.Json;

namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// Reads from the <c>post_processor</c> section of tokenizer.json which ids stand around a raw prompt. Knows
/// TemplateProcessing and ByteLevel (which adds none), alone or in a Sequence; anything else is refused by name.
/// </summary>
internal sealed class PromptFrameReader(JsonFile file)
{
    /// <summary>Reads the section; without one, nothing is added.</summary>
    /// <exception cref="TextException">The section is malformed or not supported.</exception>
    public PromptFrame Read()
    {
        var frame = new PromptFrame([], []);
        if (JsonFile.Find(file.Root, "post_processor") is not { } section)
        {
            return frame;
        }

        foreach (var step in JsonFile.Steps(section, "processors"))
        {
            frame = file.FindString(step, "type") switch
            {
                "ByteLevel" => frame,
                "TemplateProcessing" => ReadTemplate(step),
                var type => throw TextException.Unsupported(
                    file.Path,
                    "post_processor",
                    type ?? JsonFile.Describe(step),
                    "TemplateProcessing, ByteLevel"
                ),
            };
        }

        return frame;
    }

    private PromptFrame ReadTemplate(JsonElement step)
    {
        var before = new List<int>();
        var after = new List<int>();
        var seenText = false;
        var single = JsonFile.Find(step, "single") ?? step;
        foreach (var part in file.AsArray(single, "post_processor.single"))
        {
            if (JsonFile.Find(part, "Sequence") is not null)
            {
                seenText = true;
            }
            else if (JsonFile.Find(part, "SpecialToken") is { } token)
            {
                (seenText ? after : before).AddRange(IdsOf(step, file.FindString(token, "id") ?? ""));
            }
            else
            {
                throw TextException.Unsupported(
                    file.Path,
                    "post_processor.single",
                    JsonFile.Describe(part),
                    "Sequence, SpecialToken"
                );
            }
        }

        return new PromptFrame(before, after);
    }

    private IEnumerable<int> IdsOf(JsonElement step, string token) =>
        JsonFile.Find(step, "special_tokens") is { } tokens
        && JsonFile.Find(tokens, token) is { } entry
        && JsonFile.Find(entry, "ids") is { } ids
            ? file.AsArray(ids, "post_processor.special_tokens").Select(id => file.AsTokenId(id, "post_processor"))
            : throw TextException.Unsupported(file.Path, "post_processor.special_tokens", $"no '{token}'", "its ids");
}
