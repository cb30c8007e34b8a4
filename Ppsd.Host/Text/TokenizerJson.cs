using System.Text.Json;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text;

/// <summary>What a tokenizer.json is to a tokenizer.model beside it, and why it will not do alone.</summary>
internal static class TokenizerJson
{
    /// <summary>
    /// Whether the file can be the model's. One is left aside where its vocabulary is of another kind, has more ids than the
    /// model, or lacks the tokens that the folder's other files name: it came from another model.
    /// </summary>
    /// <param name="config">What the folder's other files say.</param>
    /// <exception cref="TextException">A field is malformed.</exception>
    public static bool BelongsTo(JsonFile file, TokenizerConfig config)
    {
        if (Model(file) is not { } model)
        {
            return true;
        }

        var pieces = JsonFile.Find(model, "vocab") switch
        {
            _ when !IsKnown(file, model) => null,
            { ValueKind: JsonValueKind.Object } vocabulary => vocabulary
                .EnumerateObject()
                .Select(piece => (piece.Name, Id: file.AsTokenId(piece.Value, "model.vocab")))
                .ToList(),
            { ValueKind: JsonValueKind.Array } vocabulary => vocabulary
                .EnumerateArray()
                .Select((piece, id) => (Name: NameOf(piece), Id: id))
                .ToList(),
            _ => [],
        };
        if (pieces is null or [])
        {
            return pieces is not null;
        }

        var known = pieces.Select(piece => piece.Name).ToHashSet();
        known.UnionWith(AddedToken.ReadAll(file).Concat(config.AddedTokens).Select(token => token.Content));
        return pieces.Max(piece => piece.Id) < (VocabSize(config.Folder) ?? int.MaxValue)
            && config.Named("bos_token") is var begin
            && (begin is null || known.Contains(begin))
            && config.Named("eos_token") is var end
            && (end is null || known.Contains(end));
    }

    /// <summary>The refusal of a file from which no tokenizer can be read, by its field.</summary>
    public static TextException Refusal(JsonFile file)
    {
        const string Otherwise = ", or a tokenizer.model in the same folder";
        if (JsonFile.Find(file.Root, "model") is not { } model)
        {
            return TextException.Unsupported(file.Path, "model", "nothing", "BPE or Unigram" + Otherwise);
        }

        if (model.ValueKind != JsonValueKind.Object)
        {
            return Field("model", "an object");
        }

        if (!IsKnown(file, model))
        {
            return Field("model.type", "BPE or Unigram");
        }

        return file.FindString(model, "type") == "Unigram" ? Field("model.vocab", "a list of pieces with scores")
            : JsonFile.Find(model, "vocab") is { ValueKind: JsonValueKind.Object } ? Field("model.merges", "a list")
            : Field("model.vocab", "pieces with their ids");

        TextException Field(string name, string supported)
        {
            var value = name == "model" ? model : JsonFile.Find(model, name["model.".Length..]);
            var found = value is { } there ? JsonFile.Describe(there) : "nothing";
            return TextException.Unsupported(file.Path, name, found, supported + Otherwise);
        }
    }

    private static JsonElement? Model(JsonFile file) =>
        JsonFile.Find(file.Root, "model") is { ValueKind: JsonValueKind.Object } model ? model : null;

    private static bool IsKnown(JsonFile file, JsonElement model) =>
        file.FindString(model, "type") is null or "BPE" or "Unigram";

    private static string NameOf(JsonElement piece) =>
        piece.ValueKind == JsonValueKind.Array
        && piece.GetArrayLength() > 0
        && piece[0].ValueKind == JsonValueKind.String
            ? piece[0].GetString()!
            : "";

    private static int? VocabSize(string folder)
    {
        using var file = JsonFile.OpenIfPresent(Path.Combine(folder, "config.json"));
        return
            file is not null
            && JsonFile.Find(file.Root, "vocab_size") is { ValueKind: JsonValueKind.Number } size
            && size.TryGetInt32(out var count)
            ? count
            : null;
    }
}
