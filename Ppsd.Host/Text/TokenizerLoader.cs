using Ppsd.Host.Text.ByteLevel;
using Ppsd.Host.Text.SentencePieces;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text;

/// <summary>
/// Finds and loads the tokenizer of a Hugging Face model folder. A byte-level tokenizer.json (Llama 3, Qwen) is used by
/// itself; otherwise tokenizer.model holds the pieces.
/// </summary>
/// <remarks>
/// Where both files exist and tokenizer.json is byte-level, it wins: no SentencePiece model can say the same. Where it
/// was converted from a SentencePiece model, tokenizer.model wins: it is the original, with the scores that decide the
/// merging, and only the rule for the dummy space is taken from the converted file.
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

        if (File.Exists(modelPath))
        {
            return SentencePieceTextTokenizer.Load(modelPath, config, json);
        }

        throw json is null
            ? new TextException($"{modelFolder}: has no tokenizer.json and no tokenizer.model; one of them is needed")
            : TextException.Unsupported(
                jsonPath,
                "pre_tokenizer and decoder",
                "a tokenizer that is not byte-level",
                "byte-level BPE, or SentencePiece BPE with its tokenizer.model in the same folder"
            );
    }
}
