using System.Text.Json;

namespace Ppsd.Host.Text.Tokens;

/// <summary>A token that is found in the text as it stands, before any merging.</summary>
/// <param name="Id">Its token id.</param>
/// <param name="Content">Its spelling; never empty.</param>
/// <param name="Special">Whether decoding leaves it out.</param>
/// <param name="LeftStrip">Whether it swallows white space before it.</param>
/// <param name="RightStrip">Whether it swallows white space after it.</param>
/// <param name="Normalized">Whether its spelling is normalized, and found in the text as normalized.</param>
internal sealed record AddedToken(
    int Id,
    string Content,
    bool Special,
    bool LeftStrip = false,
    bool RightStrip = false,
    bool Normalized = false
)
{
    /// <summary>Reads the <c>added_tokens</c> section of a tokenizer.json; without one there are none.</summary>
    /// <exception cref="TextException">An entry is malformed.</exception>
    public static IReadOnlyList<AddedToken> ReadAll(JsonFile file) =>
        JsonFile.Find(file.Root, "added_tokens") is { } list
            ? [.. file.AsArray(list, "added_tokens").Select(entry => Read(file, entry))]
            : [];

    private static AddedToken Read(JsonFile file, JsonElement entry)
    {
        var id =
            JsonFile.Find(entry, "id") ?? throw TextException.Unsupported(file.Path, "added_tokens", "no id", "an id");
        var field = file.FindString(entry, "content") is { Length: > 0 } content
            ? $"added token '{content}': id"
            : "added_tokens.id";
        return Read(file, entry, file.AsTokenId(id, field));
    }

    /// <summary>Reads one entry of <c>added_tokens</c> or <c>added_tokens_decoder</c>.</summary>
    /// <exception cref="TextException">The entry is malformed, or asks to match whole words only.</exception>
    public static AddedToken Read(JsonFile file, JsonElement entry, int id)
    {
        var content = file.FindString(entry, "content");
        if (string.IsNullOrEmpty(content))
        {
            throw TextException.Unsupported(file.Path, $"added token {id}: content", "no text", "the token's spelling");
        }

        if (file.FindBoolean(entry, "single_word") == true)
        {
            throw TextException.Unsupported(file.Path, $"added token '{content}': single_word", "true", "false");
        }

        return new AddedToken(
            id,
            content,
            file.FindBoolean(entry, "special") ?? false,
            file.FindBoolean(entry, "lstrip") ?? false,
            file.FindBoolean(entry, "rstrip") ?? false,
            file.FindBoolean(entry, "normalized") ?? false
        );
    }
}
