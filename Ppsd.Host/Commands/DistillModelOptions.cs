using System.CommandLine;
using Ppsd.Host.Models;
using Ppsd.Kernels.Weights;

namespace Ppsd.Host.Commands;

/// <summary>Options that say whose heads are trained.</summary>
internal sealed class DistillModelOptions : IOptionGroup
{
    private readonly Option<string?> _model = OptionFactory.Text(
        "--model",
        "DIR",
        "Hugging Face folder of the model; the bundled one by default."
    );

    private readonly Option<string?> _synthetic = OptionFactory.Choice(
        "--synthetic",
        "Shape of a model whose weights are made up, for measurements; its data are made up as well.",
        [.. SyntheticPresets.Names]
    );

    /// <inheritdoc />
    public void AddTo(Command command)
    {
        command.Options.Add(_model);
        command.Options.Add(_synthetic);
    }

    /// <summary>Opens the model.</summary>
    /// <exception cref="UserErrorException">They contradict each other.</exception>
    public ModelAssets Open(ParseResult parsed, TimeProvider clock)
    {
        if (parsed.GetValue(_synthetic) is not { } preset)
        {
            return ModelAssets.Open(parsed.GetValue(_model), exitHeadFolder: null, clock);
        }

        return parsed.GetValue(_model) is null
            ? ModelAssets.Open(new SyntheticModel(preset, 1, 1, 1))
            : throw new UserErrorException("--model: cannot be given with --synthetic");
    }
}
