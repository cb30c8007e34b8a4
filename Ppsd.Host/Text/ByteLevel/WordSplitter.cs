using System.Text.RegularExpressions;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// Cuts text into the words that byte-level BPE merges within (the <c>pre_tokenizer</c> of tokenizer.json).
/// </summary>
/// <param name="path">The file the rules come from, for messages.</param>
/// <param name="splits">The steps in order.</param>
/// <param name="standIns">What the steps' patterns match in place of characters beyond U+FFFF.</param>
/// <param name="addsPrefixSpace">Whether a text that does not begin with a space gets one.</param>
internal sealed class WordSplitter(
    string path,
    IReadOnlyList<WordSplit> splits,
    StandIns standIns,
    bool addsPrefixSpace
)
{
    /// <summary>The text with the space that this splitter puts in front, if it does.</summary>
    public string Prepare(string text) => addsPrefixSpace && !text.StartsWith(' ') ? " " + text : text;

    /// <summary>The words of a prepared text, in order.</summary>
    /// <exception cref="TextException">A pattern of the model's file takes too long on this text.</exception>
    public List<WordRange> Split(string text, CancellationToken cancellation = default)
    {
        var projected = CategoryProjection.Of(text, standIns);
        var words = new List<WordRange> { new(0, projected.Text.Length) };
        try
        {
            foreach (var split in splits)
            {
                var finer = new List<WordRange>(words.Count);
                split.Apply(projected.Text, words, finer, cancellation);
                words = finer;
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new TextException($"{path}: pre_tokenizer: the pattern takes too long on this text", e);
        }

        return projected.BackToOriginal(words);
    }
}
