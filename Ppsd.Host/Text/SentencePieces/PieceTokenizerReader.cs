using System.Text.Json;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.SentencePieces;

/// <summary>
/// Reads a tokenizer.json that was made from a SentencePiece model: BPE by merges or Unigram, with byte fallback or
/// without. What it says is what transformers does, so it counts before a tokenizer.model beside it.
/// </summary>
/// <param name="config">What the folder's other files say.</param>
internal sealed class PieceTokenizerReader(JsonFile file, TokenizerConfig config)
{
    private const string Space = "\u2581";

    /// <summary>Whether the file holds a vocabulary of this kind.</summary>
    public static bool Reads(JsonFile file) =>
        JsonFile.Find(file.Root, "model") is { } model
        && JsonFile.Find(model, "vocab") is { } vocabulary
        && (file.FindString(model, "type") ?? "BPE") switch
        {
            "BPE" => vocabulary.ValueKind == JsonValueKind.Object && JsonFile.Find(model, "merges") is not null,
            "Unigram" => vocabulary.ValueKind == JsonValueKind.Array,
            _ => false,
        };

    /// <summary>Reads the tokenizer.</summary>
    /// <exception cref="TextException">Something is missing, damaged or not supported.</exception>
    public SentencePieceTextTokenizer Read()
    {
        var model = JsonFile.Find(file.Root, "model")!.Value;
        CheckNormalizer();
        var (vocabulary, encoder) = file.FindString(model, "type") == "Unigram" ? ReadUnigram(model) : ReadBpe(model);
        return new SentencePieceTextTokenizer(
            new SentencePieceTextTokenizer.Parts
            {
                Pieces = vocabulary.ToPieces(),
                Encoder = encoder,
                DummyPrefix = DummyPrefix.From(file),
                SplitsAtSpaces = SplitsAtSpaces(),
                Normalizes = JsonFile.Find(file.Root, "normalizer") is not null,
                AddedTokens = AddedToken.ReadAll(file),
                Frame = new PromptFrameReader(file).Read(),
            },
            config
        );
    }

    private (PieceVocabulary, IPieceEncoder) ReadBpe(JsonElement model)
    {
        foreach (var field in (ReadOnlySpan<string>)["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (file.FindString(model, field) is { Length: > 0 } value)
            {
                throw TextException.Unsupported(file.Path, $"model.{field}", $"\"{value}\"", "none");
            }
        }

        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var piece in file.AsObject(JsonFile.Find(model, "vocab")!.Value, "model.vocab"))
        {
            ids[piece.Name] = file.AsTokenId(piece.Value, "model.vocab");
        }

        RequirePieces(ids.Count);
        var unknown =
            file.FindString(model, "unk_token") is { } token && ids.TryGetValue(token, out var id) ? id : (int?)null;
        var vocabulary = new PieceVocabulary(ids, unknown, file.FindBoolean(model, "byte_fallback") ?? false);
        var merges = PairMergeReader.Read(file, model, ids);
        return (vocabulary, new RankedPieceEncoder(vocabulary, merges, file.FindBoolean(model, "fuse_unk") ?? false));
    }

    private (PieceVocabulary, IPieceEncoder) ReadUnigram(JsonElement model)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var scores = new List<double>();
        foreach (var entry in file.AsArray(JsonFile.Find(model, "vocab")!.Value, "model.vocab"))
        {
            if (
                entry.ValueKind != JsonValueKind.Array
                || entry.GetArrayLength() != 2
                || entry[1].ValueKind != JsonValueKind.Number
            )
            {
                throw TextException.Unsupported(
                    file.Path,
                    "model.vocab",
                    JsonFile.Describe(entry),
                    "[\"piece\", score]"
                );
            }

            ids[file.AsString(entry[0], "model.vocab")] = scores.Count;
            scores.Add(entry[1].GetDouble());
        }

        RequirePieces(scores.Count);
        var unknown = JsonFile.Find(model, "unk_id") is { } id ? file.AsTokenId(id, "model.unk_id") : (int?)null;
        if (unknown >= scores.Count)
        {
            throw TextException.Unsupported(
                file.Path,
                "model.unk_id",
                $"{unknown}",
                $"the id of one of its {scores.Count} pieces"
            );
        }

        var vocabulary = new PieceVocabulary(ids, unknown, file.FindBoolean(model, "byte_fallback") ?? false);
        return (vocabulary, new UnigramEncoder(vocabulary, [.. scores]));
    }

    private void RequirePieces(int count)
    {
        if (count == 0)
        {
            throw TextException.Unsupported(file.Path, "model.vocab", "no piece", "at least one piece");
        }
    }

    // Prepend is the dummy prefix, and Replace must be the escaping of spaces; anything else changes the text.
    private void CheckNormalizer()
    {
        if (JsonFile.Find(file.Root, "normalizer") is not { } section)
        {
            return;
        }

        foreach (var step in JsonFile.Steps(section, "normalizers"))
        {
            var isKnown = file.FindString(step, "type") switch
            {
                "Prepend" => file.FindString(step, "prepend") == Space,
                "Replace" => file.FindString(step, "content") == Space
                    && JsonFile.Find(step, "pattern") is { } pattern
                    && file.FindString(pattern, "String") == " ",
                _ => false,
            };
            if (!isKnown)
            {
                throw TextException.Unsupported(
                    file.Path,
                    "normalizer",
                    JsonFile.Describe(step),
                    $"none, Prepend of {Space}, Replace of a space by {Space}"
                );
            }
        }
    }

    // The library splits unless it is told not to.
    private bool SplitsAtSpaces() =>
        JsonFile.Find(file.Root, "pre_tokenizer") is { } preTokenizer
        && (file.FindBoolean(preTokenizer, "split") ?? true);
}
