using System.CommandLine;
using System.Globalization;
using Ppsd.Actors.Messages;
using Ppsd.Host.Models;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Host.Runtime;
using Ppsd.Host.Terminal;
using Ppsd.Kernels.Weights;

namespace Ppsd.Host.Commands;

/// <summary>Options that say which model: a folder, a synthetic one, or that of a plan.</summary>
/// <param name="calibrates">
/// True for a command that starts all stages itself and so can calibrate a synthetic model (--synthetic-alpha).
/// </param>
internal sealed class ModelOptions(bool calibrates = false) : IOptionGroup
{
    private readonly Option<string?> _model = OptionFactory.Text(
        "--model",
        "DIR",
        "Hugging Face folder of a model of a known family (docs/models.md); the bundled one by default."
    );

    private readonly Option<string?> _exitHead = OptionFactory.Text(
        "--exit-head",
        "DIR",
        "Folder of its exit head; by default one made for these weights, beside the model or else among the bundled ones, nearest to a quarter of its layers."
    );

    private readonly Option<string?> _chatTemplate = OptionFactory.Text(
        "--chat-template",
        "FILE",
        "Jinja template of a conversation, in place of the model's own."
    );

    private readonly Option<string?> _synthetic = OptionFactory.Choice(
        "--synthetic",
        "Shape of a model whose weights are made up instead of read; its text is token ids.",
        [.. SyntheticPresets.Names]
    );

    private readonly Option<int?> _exitLayer = OptionFactory.Number(
        "--exit-layer",
        "E",
        "Layers before a synthetic model's exit head; those of stage 1 by default.",
        1,
        1024
    );

    private readonly Option<string?> _head = OptionFactory.Choice(
        "--head",
        "Kind of a synthetic model's exit head, norm by default; a chain drafts several tokens ahead.",
        [.. SyntheticPresets.HeadNames]
    );

    private readonly Option<int?> _draftedTokens = OptionFactory.Number(
        "--draft-vocabulary",
        "N",
        "Tokens that a synthetic model's exit head drafts, all by default; a head in a folder has a list of its own.",
        1,
        1 << 24
    );

    private readonly Option<float?> _scale = OptionFactory.Number(
        "--synthetic-scale",
        "S",
        "Factor of what a synthetic model's layers after the exit head add, 1 by default: at 0 every draft is right.",
        0f,
        1000f
    );

    private readonly Option<uint?> _seed = OptionFactory.Number(
        "--synthetic-seed",
        "S",
        "Key of a synthetic model's weights, 1 by default.",
        0u,
        uint.MaxValue
    );

    private readonly Option<string?> _plan = OptionFactory.Text(
        "--plan",
        "FILE",
        "Plan written by ppsd plan: exit head and layers of each stage."
    );

    private readonly Option<double?> _alpha = OptionFactory.Number(
        "--synthetic-alpha",
        "A",
        "Acceptance rate a synthetic model is calibrated to, in place of --synthetic-scale.",
        0.0,
        1.0
    );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        if (calibrates)
        {
            command.Options.Add(_alpha);
        }

        command.Options.Add(_model);
        command.Options.Add(_exitHead);
        command.Options.Add(_chatTemplate);
        command.Options.Add(_synthetic);
        command.Options.Add(_exitLayer);
        command.Options.Add(_head);
        command.Options.Add(_draftedTokens);
        command.Options.Add(_scale);
        command.Options.Add(_seed);
        command.Options.Add(_plan);
    }

    /// <summary>Opens the model they name.</summary>
    /// <param name="stages">Stages, which give the default exit layer of a synthetic model.</param>
    /// <exception cref="UserErrorException">They contradict each other.</exception>
    public ModelAssets Open(ParseResult parsed, StageOptions stages, TimeProvider clock)
    {
        var plan = parsed.GetValue(_plan) is { } file ? PlanFile.Read(file) : null;
        var folder = parsed.GetValue(_model);
        using var hashing = HashingView.Open(folder, clock);
        var assets = Synthetic(parsed, stages, plan) is { } synthetic
            ? ModelAssets.Open(synthetic)
            : ModelAssets.Open(folder, parsed.GetValue(_exitHead) ?? plan?.ExitHead, clock, hashing);
        plan?.RequireFits(assets.Fingerprint);
        if (parsed.GetValue(_chatTemplate) is { } given)
        {
            UserFiles.Require(_chatTemplate.Name, given);
        }

        return (parsed.GetValue(_chatTemplate) is { } template ? assets.WithChatTemplate(template, clock) : assets) with
        {
            Plan = plan,
        };
    }

    /// <summary>Value of --synthetic-alpha; null without it.</summary>
    public double? WantedAlpha(ParseResult parsed) => parsed.GetValue(_alpha);

    /// <summary>True when the exit head was named and not looked for.</summary>
    public bool NamesExitHead(ParseResult parsed) => parsed.GetValue(_exitHead) is not null;

    /// <summary>True when a synthetic model's exit layer was named.</summary>
    public bool NamesExitLayer(ParseResult parsed) => parsed.GetValue(_exitLayer) is not null;

    /// <summary>The model, scaled to the acceptance of --synthetic-alpha if that is given.</summary>
    /// <param name="settings">Where to measure.</param>
    /// <param name="sampling">How tokens are drawn.</param>
    /// <param name="report">Told the outcome.</param>
    /// <exception cref="UserErrorException">The rate cannot be reached, or the model is not synthetic.</exception>
    public ModelAssets Calibrate(
        ParseResult parsed,
        ModelAssets assets,
        StageSettings settings,
        SamplingSettings sampling,
        Action<string> report
    )
    {
        if (parsed.GetValue(_alpha) is not { } alpha)
        {
            return assets;
        }

        if (
            assets.Synthetic is not { } model
            || parsed.GetResult(_scale) is { Implicit: false }
            || assets.Plan is not null
        )
        {
            throw new UserErrorException(
                "--synthetic-alpha: expected --synthetic without --synthetic-scale or --plan, which give the scale"
            );
        }

        var (calibrated, measured) = new SyntheticCalibration(
            model,
            settings,
            StageModelRuntime.ParametersOf(sampling)
        ).Calibrate(alpha);
        report(
            string.Create(
                CultureInfo.InvariantCulture,
                $"calibrated: --synthetic-scale {calibrated.Scale:R} gives alpha {measured:0.000}"
            )
        );
        return ModelAssets.Open(calibrated);
    }

    private SyntheticModel? Synthetic(ParseResult parsed, StageOptions stages, PlanFile? plan)
    {
        var preset = parsed.GetValue(_synthetic);
        if (preset is null && plan?.Synthetic is { } planned)
        {
            Refuse(
                [_model, _exitHead, _exitLayer, _head, _draftedTokens, _scale, _seed],
                "--plan of a synthetic model"
            );
            return planned;
        }

        if (preset is null)
        {
            Refuse([_exitLayer, _head, _draftedTokens, _scale, _seed], "a model folder");
            return null;
        }

        Refuse([_model, _exitHead, _chatTemplate], "--synthetic");
        var model = new SyntheticModel(
            preset,
            1,
            parsed.GetValue(_scale) ?? 1,
            parsed.GetValue(_seed) ?? 1,
            parsed.GetValue(_head) ?? plan?.Synthetic?.Head ?? SyntheticPresets.NormHead,
            parsed.GetValue(_draftedTokens) ?? plan?.Synthetic?.DraftedTokens ?? 0
        );
        if (model.DraftedTokens > model.Config.VocabSize)
        {
            throw new UserErrorException(
                $"{_draftedTokens.Name}: expected at most {model.Config.VocabSize} (the model's vocabulary), found {model.DraftedTokens}"
            );
        }

        return model with
        {
            ExitLayer =
                parsed.GetValue(_exitLayer)
                ?? plan?.Synthetic?.ExitLayer
                ?? stages.FirstStageLayers(parsed, model.Config.LayerCount),
        };

        void Refuse(Option[] options, string company)
        {
            if (Array.Find(options, option => parsed.GetResult(option) is { Implicit: false }) is { } given)
            {
                throw new UserErrorException($"{given.Name}: cannot be given with {company}");
            }
        }
    }
}
