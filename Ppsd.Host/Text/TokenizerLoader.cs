using Ppsd.Host.Text.ByteLevel;
using Ppsd.Host.Text.SentencePieces;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text;

/// <summary>
/// Finds and loads the tokenizer of a Hugging Face model folder: a tokenizer.json that holds a vocabulary (byte-level BPE,
/// or SentencePiece's BPE or Unigram), else tokenizer.model.
/// </summary>
/// <remarks>
/// Where both files exist tokenizer.json wins, as it does in transformers, unless it cannot be this model's: then it is left
/// aside. One without a vocabulary adds to the tokenizer.model its added tokens and, where it has one, its rule for the dummy
/// space.
/// </remarks>
internal static class TokenizerLoader
{
    /// <summary>Loads the tokenizer.</summary>
    /// <exception cref="TextException">A file is missing, damaged or not supported; the message names it.</exception>
    public static ITextTokenizer Load(string modelFolder)
    {
        if (!Directory.Exists(modelFolder))
        {
            throw new TextException($"{modelFolder}: there is no such folder; expected a Hugging Face model folder");
        }

        var jsonPath = Path.Combine(modelFolder, "tokenizer.json");
        var modelPath = Path.Combine(modelFolder, "tokenizer.model");
        var config = TokenizerConfig.Load(modelFolder);
        using var json = JsonFile.OpenIfPresent(jsonPath);
        var hasModel = File.Exists(modelPath);
        var usable = json is not null && hasModel && !TokenizerJson.BelongsTo(json, config) ? null : json;
        if (usable is not null && ByteLevelTokenizerReader.Reads(usable))
        {
            return new ByteLevelTokenizerReader(usable, config).Read();
        }

        if (usable is not null && PieceTokenizerReader.Reads(usable))
        {
            return new PieceTokenizerReader(usable, config).Read();
        }

        if (hasModel)
        {
            return SentencePieceTextTokenizer.Load(modelPath, config, usable);
        }

        throw json is null
            ? new TextException($"{modelFolder}: has no tokenizer.json and no tokenizer.model; one of them is needed")
            : TokenizerJson.Refusal(json);
    }
}
