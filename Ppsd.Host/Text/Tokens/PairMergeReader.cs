using System.Text.Json;

namespace Ppsd.Host.Text.Tokens;

/// <summary>Reads <c>model.merges</c> of a tokenizer.json.</summary>
internal static class PairMergeReader
{
    /// <summary>Reads the merges, in the order of their ranks.</summary>
    /// <param name="model">Its <c>model</c> section.</param>
    /// <param name="ids">The pieces with their ids.</param>
    /// <exception cref="TextException">A merge is malformed, or of pieces that there are not.</exception>
    public static PairMergeTable Read(JsonFile file, JsonElement model, Dictionary<string, int> ids)
    {
        var merges =
            JsonFile.Find(model, "merges")
            ?? throw TextException.Unsupported(file.Path, "model.merges", "nothing", "a list");
        var table = new PairMergeTable();
        var rank = 0;
        foreach (var merge in file.AsArray(merges, "model.merges"))
        {
            var (left, right) = Pair(file, merge);
            table.Set(IdOf(left), IdOf(right), rank++, IdOf(left + right));

            int IdOf(string piece) =>
                ids.TryGetValue(piece, out var id)
                    ? id
                    : throw TextException.Unsupported(
                        file.Path,
                        "model.merges",
                        $"{JsonFile.Describe(merge)} without a piece '{piece}' in model.vocab",
                        "merges of pieces into pieces"
                    );
        }

        return table;
    }

    // "a b" (tokenizers before 0.20) or ["a", "b"]
    private static (string Left, string Right) Pair(JsonFile file, JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
        {
            return (file.AsString(merge[0], "model.merges"), file.AsString(merge[1], "model.merges"));
        }

        if (merge.ValueKind == JsonValueKind.String && merge.GetString()!.Split(' ') is [var left, var right])
        {
            return (left, right);
        }

        throw TextException.Unsupported(
            file.Path,
            "model.merges",
            JsonFile.Describe(merge),
            "\"a b\" or [\"a\", \"b\"]"
        );
    }
}
