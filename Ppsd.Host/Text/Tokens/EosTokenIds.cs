using System.Text.Json;

namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// Which ids end a text. generation_config.json decides what generation stops at and config.json stands in for it; the
/// tokenizer's own <c>eos_token</c> counts too, because chat models often end a turn with it.
/// </summary>
internal static class EosTokenIds
{
    /// <summary>The ids without repetition, those of the configuration first.</summary>
    /// <exception cref="TextException">A file is malformed.</exception>
    public static IReadOnlyList<int> Load(string folder, int? tokenizerEosId)
    {
        var ids =
            Read(Path.Combine(folder, "generation_config.json")) ?? Read(Path.Combine(folder, "config.json")) ?? [];
        return [.. (tokenizerEosId is { } own ? ids.Append(own) : ids).Distinct()];
    }

    // A number, a list of numbers, or nothing.
    private static int[]? Read(string path)
    {
        using var file = JsonFile.OpenIfPresent(path);
        if (file is null || JsonFile.Find(file.Root, "eos_token_id") is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(id => file.AsTokenId(id, "eos_token_id"))]
            : [file.AsTokenId(value, "eos_token_id")];
    }
}
