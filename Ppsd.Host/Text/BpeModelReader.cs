using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Ppsd.Host.Text;

/// <summary>
/// Reads the <c>model</c> section of a byte-level tokenizer.json into the library's <see cref="BpeTokenizer"/>, which
/// has no reader of its own. Every setting that would change the merging is refused by name.
/// </summary>
internal sealed class BpeModelReader(JsonFile file)
{
    /// <summary>The pieces, as the byte-level alphabet spells them, with their ids.</summary>
    public Dictionary<string, int> Vocabulary { get; private set; } = [];

    /// <summary>
    /// Whether a word that is a piece as a whole is taken as it is, even where merging would not produce it.
    /// </summary>
    public bool IgnoresMerges { get; private set; }

    /// <summary>Reads the section and fills the properties.</summary>
    /// <exception cref="TextException">Something is missing, damaged or not supported.</exception>
    public BpeTokenizer Read()
    {
        var model =
            JsonFile.Find(file.Root, "model") ?? throw TextException.Unsupported(file.Path, "model", "nothing", "BPE");
        RefuseUnsupported(model);
        IgnoresMerges = file.FindBoolean(model, "ignore_merges") ?? false;
        ReadVocabulary(model);
        try
        {
            // Words are cut and spelled before the library sees them, so it neither splits nor normalizes.
            return BpeTokenizer.Create(new BpeOptions(Vocabulary) { Merges = ReadMerges(model), ByteLevel = true });
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            throw new TextException($"{file.Path}: model: {e.Message}", e);
        }
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

        // A byte without a piece would vanish from the prompt without a word.
        for (var value = 0; value < 256; value++)
        {
            if (!Vocabulary.ContainsKey(ByteLevelAlphabet.CharOf((byte)value).ToString()))
            {
                throw TextException.Unsupported(
                    file.Path,
                    "model.vocab",
                    $"no piece for byte 0x{value:X2}",
                    "byte-level BPE with all 256 bytes"
                );
            }
        }
    }

    // Each merge is "a b" (tokenizers before 0.20) or ["a", "b"]; the library takes the former.
    private IEnumerable<string> ReadMerges(JsonElement model)
    {
        var merges =
            JsonFile.Find(model, "merges")
            ?? throw TextException.Unsupported(file.Path, "model.merges", "nothing", "a list");
        foreach (var merge in file.AsArray(merges, "model.merges"))
        {
            if (merge.ValueKind == JsonValueKind.String)
            {
                yield return merge.GetString()!;
            }
            else if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
            {
                var left = file.AsString(merge[0], "model.merges");
                var right = file.AsString(merge[1], "model.merges");
                yield return $"{left} {right}";
            }
            else
            {
                throw TextException.Unsupported(
                    file.Path,
                    "model.merges",
                    JsonFile.Describe(merge),
                    "\"a b\" or [\"a\", \"b\"]"
                );
            }
        }
    }
}
