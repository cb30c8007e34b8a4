using Ppsd.Host.Text.ByteLevel;
using Ppsd.Host.Text.SentencePieces;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text;

/// <summary>
/// Finds and loads the tokenizer of a Hugging Face model folder: a tokenizer.json that holds a vocabulary (byte-level BPE,
/// or SentencePiece's BPE or Unigram), else tokenizer.model.
/// </summary>
/// <remarks>
/// Where both files exist tokenizer.json wins, as it does in transformers, whether it was made from the tokenizer.model or
/// has nothing to do with it. One without a vocabulary adds to the tokenizer.model what it says of added tokens and of the
/// dummy space.
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
        if (json is not null && ByteLevelTokenizerReader.Reads(json))
        {
            return new ByteLevelTokenizerReader(json, config).Read();
        }

        if (json is not null && PieceTokenizerReader.Reads(json))
        {
            return new PieceTokenizerReader(json, config).Read();
        }

        if (File.Exists(modelPath))
        {
            return SentencePieceTextTokenizer.Load(modelPath, config, json);
        }

        throw json is null
            ? new TextException($"{modelFolder}: has no tokenizer.json and no tokenizer.model; one of them is needed")
            : TextException.Unsupported(
                jsonPath,
                "pre_tokenizer and decoder",
                "a tokenizer without a vocabulary that is known",
                "byte-level BPE, SentencePiece's BPE or Unigram, or a tokenizer.model in the same folder"
            );
    }
}
