using System.Text.Json;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// Reads the <c>model</c> section of a byte-level tokenizer.json: vocabulary, merges and the settings that change the
/// merging. A setting that is not supported is refused by name.
/// </summary>
internal sealed class BpeModelReader(JsonFile file)
{
    /// <summary>The pieces, as the byte-level alphabet spells them, with their ids.</summary>
    public Dictionary<string, int> Vocabulary { get; private set; } = [];

    /// <summary>
    /// Whether a word that is a piece as a whole is taken as it is, even where merging would not produce it.
    /// </summary>
    public bool IgnoresMerges { get; private set; }

    /// <summary>The id of each byte's own piece, or null where the vocabulary has none.</summary>
    public IReadOnlyList<int?> ByteIds { get; private set; } = [];

    /// <summary>The merges.</summary>
    public PairMergeTable Merges { get; private set; } = new();

    /// <summary>Reads the section and fills the properties.</summary>
    /// <exception cref="TextException">Something is missing, damaged or not supported.</exception>
    public void Read()
    {
        var model =
            JsonFile.Find(file.Root, "model") ?? throw TextException.Unsupported(file.Path, "model", "nothing", "BPE");
        RefuseUnsupported(model);
        IgnoresMerges = file.FindBoolean(model, "ignore_merges") ?? false;
        ReadVocabulary(model);
        Merges = PairMergeReader.Read(file, model, Vocabulary);
    }

    private void RefuseUnsupported(JsonElement model)
    {
        foreach (var field in (ReadOnlySpan<string>)["dropout", "continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (JsonFile.Find(model, field) is { } value && !IsNeutral(value))
            {
                throw TextException.Unsupported(file.Path, $"model.{field}", JsonFile.Describe(value), "none");
            }
        }

        if (file.FindBoolean(model, "byte_fallback") == true)
        {
            throw TextException.Unsupported(
                file.Path,
                "model.byte_fallback",
                "true",
                "false for a byte-level tokenizer"
            );
        }
    }

    private static bool IsNeutral(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble() == 0,
            JsonValueKind.String => value.ValueEquals(""),
            _ => false,
        };

    private void ReadVocabulary(JsonElement model)
    {
        var vocabulary =
            JsonFile.Find(model, "vocab")
            ?? throw TextException.Unsupported(file.Path, "model.vocab", "nothing", "pieces");
        var pieces = file.AsObject(vocabulary, "model.vocab");
        Vocabulary = new Dictionary<string, int>(vocabulary.GetPropertyCount(), StringComparer.Ordinal);
        foreach (var piece in pieces)
        {
            Vocabulary[piece.Name] = file.AsTokenId(piece.Value, "model.vocab");
        }

        // Vocabularies made from a text often lack bytes that the text never had, or that UTF-8 never has.
        ByteIds =
        [
            .. Enumerable
                .Range(0, 256)
                .Select(value =>
                    Vocabulary.TryGetValue(ByteLevelAlphabet.CharOf((byte)value).ToString(), out var id)
                        ? id
                        : (int?)null
                ),
        ];
        if (ByteIds.All(id => id is null))
        {
            throw TextException.Unsupported(file.Path, "model.vocab", "no piece for any byte", "byte-level BPE");
        }
    }
}
