using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Text;

namespace Ppsd.Host.Commands;

/// <summary>The option that says what a benchmark decodes.</summary>
internal sealed class BenchPromptOptions
{
    private readonly Option<string?> _prompts = OptionFactory.Text(
        "--prompts",
        "FILE",
        "JSON lines with a prompt, messages or a question each; eight built-in questions by default."
    );

    /// <summary>Adds it to a command.</summary>
    public void AddTo(Command command) => command.Options.Add(_prompts);

    /// <summary>The prompts' tokens.</summary>
    public List<int[]> Read(ParseResult parsed, ModelAssets assets)
    {
        if (parsed.GetValue(_prompts) is { } file)
        {
            return PromptFile.Read(file, assets);
        }

        return [.. BuiltInQuestions.All.Select(question => assets.EncodeChat([new ChatMessage("user", question)]))];
    }
}
