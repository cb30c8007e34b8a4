using System.Text;
using Ppsd.Host.Models;
using Ppsd.Host.Terminal;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Weights;

namespace Ppsd.Host.Commands;

/// <summary>Warnings about a model's folder whose files disagree although the model runs.</summary>
internal static class ModelWarnings
{
    /// <summary>Writes them to standard error, a line each.</summary>
    /// <param name="withTokenizer">Whether the tokenizer is looked at, which loads it.</param>
    /// <exception cref="Text.Tokens.TextException">The tokenizer cannot be loaded.</exception>
    public static void Write(ModelAssets assets, bool withTokenizer)
    {
        if (assets.Synthetic is null)
        {
            string?[] warnings = [UnusedTensors(assets), withTokenizer ? UnknownTokens(assets) : null];
            foreach (var warning in warnings.OfType<string>())
            {
                ErrorConsole.Complain($"warning: {warning}");
            }
        }
    }

    private static string? UnusedTensors(ModelAssets assets)
    {
        using var checkpoint = Checkpoint.Open(assets.Folder);
        var unused = LayerTensors.Unused(assets.Config, checkpoint.TensorNames);
        return unused.Count == 0
            ? null
            : CheckpointException.OneLine(
                $"{assets.Folder}: by its config.json {unused.Count} of the checkpoint's tensors are not used, the first of them '{unused[0]}'"
            );
    }

    private static string? UnknownTokens(ModelAssets assets)
    {
        var (tokenizer, size) = (assets.Tokenizer, assets.Config.VocabSize);
        var unknown = Enumerable
            .Range(size, Math.Max(0, tokenizer.VocabSize - size))
            .Where(id => tokenizer.SpellingBytes(id).Length > 0)
            .ToArray();
        return unknown.Length == 0
            ? null
            : CheckpointException.OneLine(
                $"{assets.Folder}: {unknown.Length} of the tokenizer's tokens are beyond the model's vocab_size of {size}, the first of them {unknown[0]} '{Encoding.UTF8.GetString(tokenizer.SpellingBytes(unknown[0]))}': no text may hold them"
            );
    }
}
