using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Text;

namespace Ppsd.Host.Commands;

/// <summary>Options that say what a benchmark decodes.</summary>
internal sealed class BenchPromptOptions : IOptionGroup
{
    private const int DefaultCount = 8;
    private const int DefaultTokens = 64;

    private readonly Option<string?> _prompts = OptionFactory.Text(
        "--prompts",
        "FILE",
        "JSON lines with a prompt, messages or a question each; eight built-in questions by default."
    );

    private readonly Option<int?> _promptTokens = OptionFactory.Number(
        "--prompt-tokens",
        "N",
        "Keyed pseudo-prompts of N token ids instead; 64 by default for synthetic models.",
        1,
        1_000_000
    );

    private readonly Option<int?> _promptCount = OptionFactory.Number(
        "--prompt-count",
        "N",
        "How many of them, or of the built-in questions; 8 by default.",
        1,
        8
    );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_prompts);
        command.Options.Add(_promptTokens);
        command.Options.Add(_promptCount);
    }

    /// <summary>The prompts with the answers of their file.</summary>
    /// <param name="reason">The option that wants answers, for messages.</param>
    public List<(int[] Prompt, int[] Answer)> ReadAnswered(ParseResult parsed, ModelAssets assets, string reason) =>
        parsed.GetValue(_prompts) is { } file
            ? PromptFile.ReadAnswered(file, assets)
            : throw new UserErrorException($"{reason}: expected --prompts with it, found none");

    /// <summary>The prompts' tokens.</summary>
    public List<int[]> Read(ParseResult parsed, ModelAssets assets)
    {
        if (parsed.GetValue(_prompts) is { } file)
        {
            return PromptFile.Read(file, assets);
        }

        var count = parsed.GetValue(_promptCount) ?? DefaultCount;
        var tokens = parsed.GetValue(_promptTokens) ?? (assets.Synthetic is null ? (int?)null : DefaultTokens);
        if (tokens is { } length)
        {
            return [.. Enumerable.Range(0, count).Select(i => KeyedPrompt.Create(i, length, assets.Config.VocabSize))];
        }

        return
        [
            .. BuiltInQuestions
                .All.Take(count)
                .Select(question => assets.EncodeChat([new ChatMessage("user", question)])),
        ];
    }
}
