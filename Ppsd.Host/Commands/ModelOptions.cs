using System.CommandLine;
using Ppsd.Host.Models;

namespace Ppsd.Host.Commands;

/// <summary>Options that say which model.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string?> _model = OptionFactory.Text(
        "--model",
        "DIR",
        "Hugging Face folder of a LLaMA model; the bundled one by default."
    );

    private readonly Option<string?> _exitHead = OptionFactory.Text(
        "--exit-head",
        "DIR",
        "Folder of its exit head; by default one made for these weights, looked for beside the model."
    );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_model);
        command.Options.Add(_exitHead);
    }

    /// <summary>Reads the model folder they name.</summary>
    public ModelAssets Open(ParseResult parsed, TimeProvider clock) =>
        ModelAssets.Open(parsed.GetValue(_model), parsed.GetValue(_exitHead), clock);
}
