using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// Reads a byte-level tokenizer.json (Llama 3, Qwen, GPT-2 and their kin). Each section has a reader of its own; a
/// section that says something unknown is refused rather than ignored, since ids that are almost right make a model
/// almost right.
/// </summary>
internal sealed class ByteLevelTokenizerReader(JsonFile file, TokenizerConfig config)
{
    /// <summary>Whether the file holds a tokenizer of this kind.</summary>
    public static bool Reads(JsonFile file) =>
        JsonFile.Find(file.Root, "model") is { } model
        && (file.FindString(model, "type") ?? "BPE") == "BPE"
        && WordSplitterReader.IsByteLevel(file);

    /// <summary>Reads the tokenizer.</summary>
    /// <exception cref="TextException">Something is missing, damaged or not supported.</exception>
    public ITextTokenizer Read()
    {
        try
        {
            var model = new BpeModelReader(file);
            model.Read();
            var addedTokens = config.Complete(AddedToken.ReadAll(file));
            var composes = ReadNormalizer();
            AddedToken[] normalized =
            [
                .. addedTokens.Where(token => composes && token.Normalized && !config.FindsInRawText(token.Content)),
            ];
            var bosId = IdOf("bos_token", model, addedTokens);
            var eosId = IdOf("eos_token", model, addedTokens);
            return new ByteLevelTextTokenizer
            {
                Path = file.Path,
                Merges = model.Merges,
                ByteIds = model.ByteIds,
                Pieces = BuildPieces(model.Vocabulary, addedTokens),
                WholeWords = model.IgnoresMerges ? model.Vocabulary : [],
                AddedTokens = new AddedTokenSplitter(addedTokens.Except(normalized)),
                NormalizedTokens = new AddedTokenSplitter(
                    normalized.Select(token => token with { Content = NfcNormalizer.Normalize(token.Content) })
                ),
                ComposesText = composes,
                Words = new WordSplitterReader(file).Read(),
                Frame = new PromptFrameReader(file).Read().With(config.AddBos, bosId, config.AddEos, eosId),
                BosId = bosId,
                EosIds = EosTokenIds.Load(config.Folder, eosId),
            };
        }
        catch (InvalidOperationException e)
        {
            throw new TextException($"{file.Path}: holds a string that is not valid Unicode text", e);
        }
    }

    private int? IdOf(string name, BpeModelReader model, IReadOnlyList<AddedToken> addedTokens)
    {
        if (config.Named(name) is not { } spelling)
        {
            return null;
        }

        return addedTokens.FirstOrDefault(token => token.Content == spelling) is { } added ? added.Id
            : model.Vocabulary.TryGetValue(spelling, out var id) ? id
            : throw TextException.Unsupported(config.Path, name, $"'{spelling}'", "a token of tokenizer.json");
    }

    // Whether text is brought into Unicode normalization form C.
    private bool ReadNormalizer()
    {
        if (JsonFile.Find(file.Root, "normalizer") is not { } section)
        {
            return false;
        }

        var composes = false;
        foreach (var step in JsonFile.Steps(section, "normalizers"))
        {
            var type = file.FindString(step, "type");
            composes =
                type == "NFC"
                    ? true
                    : throw TextException.Unsupported(
                        file.Path,
                        "normalizer",
                        type ?? JsonFile.Describe(step),
                        "none, NFC"
                    );
        }

        return composes;
    }

    private static TokenPieces BuildPieces(Dictionary<string, int> vocabulary, IReadOnlyList<AddedToken> addedTokens)
    {
        var count = vocabulary.Values.Concat(addedTokens.Select(token => token.Id)).Max() + 1;
        var pieces = new TokenPieces(count);
        Span<byte> buffer = stackalloc byte[512];
        foreach (var (piece, id) in vocabulary)
        {
            var bytes = piece.Length <= buffer.Length ? buffer[..piece.Length] : new byte[piece.Length];
            if (ByteLevelAlphabet.TryRead(piece, bytes))
            {
                pieces.Set(id, bytes);
            }
            else
            {
                pieces.Set(id, piece);
            }
        }

        foreach (var token in addedTokens)
        {
            pieces.Set(token.Id, token.Content);
            if (token.Special)
            {
                pieces.MarkSpecial(token.Id);
            }
        }

        return pieces;
    }
}
