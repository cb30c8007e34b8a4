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
            return Covered(ModelAssets.Open(parsed.GetValue(_model), exitHeadFolder: null, clock), "--model");
        }

        return parsed.GetValue(_model) is null
            ? Covered(ModelAssets.Open(new SyntheticModel(preset, 1, 1, 1)), "--synthetic")
            : throw new UserErrorException("--model: cannot be given with --synthetic");
    }

    /// <summary>
    /// Training has no gradients of biases, of norms of queries and keys, or of a window: a head trained without them would
    /// be another than the one that is served.
    /// </summary>
    private static ModelAssets Covered(ModelAssets assets, string option)
    {
        var traits = assets.Config.Layers;
        var found =
            traits.HasQueryKeyValueBias || traits.HasOutputBias || traits.HasFeedForwardBias ? "biases"
            : traits.HasHeadNorms ? "norms of queries and keys"
            : traits.SlidingWindow is { } window && window < assets.Config.MaxPositions
                ? $"a sliding window of {window} tokens"
            : null;
        return found is null
            ? assets
            : throw new UserErrorException(
                $"{option}: expected layers as LLaMA's, which heads can be trained for, found {found}"
            );
    }
}
