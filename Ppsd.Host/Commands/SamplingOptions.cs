using System.CommandLine;
using System.Globalization;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Commands;

/// <summary>Options that say how texts are generated.</summary>
/// <param name="standardMaxTokens">Most tokens of a text where nobody says; null for no bound but the context.</param>
/// <param name="isForReader">
/// True where somebody reads the text: a seed that nobody gave is drawn, and a length that nobody gave is at most what there
/// is room for. False for measurements, which repeat, with seed 0.
/// </param>
/// <param name="rivals">True to decode by the methods that PPSD is compared with too.</param>
internal sealed class SamplingOptions(int? standardMaxTokens = 128, bool isForReader = false, bool rivals = false)
    : IOptionGroup
{
    private readonly Option<string?> _decode = OptionFactory.Choice(
        "--decode",
        $"How to decode; ppsd by default where there is an exit head. {(rivals ? "The others are published methods to compare with, on one device (docs/paper.md). " : "")}The text is the same.",
        ["ppsd", "autoregressive", .. rivals ? RivalSettings.Names : []]
    );

    private readonly Option<int?> _maxTokens = OptionFactory.Number(
        "--max-tokens",
        "N",
        $"Most tokens to generate; {standardMaxTokens?.ToString(CultureInfo.InvariantCulture) ?? "the model's max_new_tokens, or the rest of the context"} by default.",
        1,
        int.MaxValue
    );

    private readonly Option<float?> _temperature = OptionFactory.Number(
        "--temperature",
        "T",
        "Divides logits before drawing; below 0.00001 the most probable token is taken. By default from the model's generation_config.json, or 0.",
        0f,
        100f
    );

    private readonly Option<int?> _topK = OptionFactory.Number(
        "--top-k",
        "K",
        "Draws from the K most probable tokens; 0 for all.",
        0,
        int.MaxValue
    );

    private readonly Option<float?> _topP = OptionFactory.Number(
        "--top-p",
        "P",
        "Draws from the smallest set of tokens that reaches this probability.",
        float.Epsilon,
        1f
    );

    private readonly Option<float?> _minP = OptionFactory.Number(
        "--min-p",
        "M",
        "Draws from tokens at least this probable relative to the most probable.",
        0f,
        1f
    );

    private readonly Option<float?> _repetitionPenalty = OptionFactory.Number(
        "--repetition-penalty",
        "R",
        "Discourages tokens already in the text; 1 is off.",
        0.01f,
        100f
    );

    private readonly Option<float?> _presencePenalty = OptionFactory.Number(
        "--presence-penalty",
        "P",
        "Subtracted from the logits of tokens generated before, -2 to 2; 0 is off.",
        -2f,
        2f
    );

    private readonly Option<float?> _frequencyPenalty = OptionFactory.Number(
        "--frequency-penalty",
        "F",
        "Subtracted from a token's logit for each time it was generated, -2 to 2; 0 is off.",
        -2f,
        2f
    );

    private readonly Option<ulong?> _seed = OptionFactory.Number(
        "--seed",
        "S",
        $"Key of the noise that tokens are drawn with: same seed, same text. {(isForReader ? "By default drawn anew each time and printed" : "0 by default")}.",
        0UL,
        ulong.MaxValue
    );

    private readonly Option<bool> _ignoreEos = OptionFactory.Switch(
        "--ignore-eos",
        "Goes on after end-of-text tokens, for measurements."
    );

    private readonly Option<string[]> _stop = OptionFactory.Texts(
        "--stop",
        "TEXT",
        "Ends the text before this string; may be given several times."
    );

    private readonly DraftOptions _drafts = new();

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_decode);
        command.Options.Add(_maxTokens);
        command.Options.Add(_temperature);
        command.Options.Add(_topK);
        command.Options.Add(_topP);
        command.Options.Add(_minP);
        command.Options.Add(_repetitionPenalty);
        command.Options.Add(_presencePenalty);
        command.Options.Add(_frequencyPenalty);
        command.Options.Add(_seed);
        command.Options.Add(_ignoreEos);
        command.Options.Add(_stop);
        _drafts.AddTo(command);
    }

    /// <summary>The settings they ask for; what they leave open comes from the model's generation_config.json.</summary>
    /// <exception cref="UserErrorException">Speculation was asked for and there is no exit head.</exception>
    public GenerationSettings Settings(ParseResult parsed, ModelAssets assets)
    {
        var stops = parsed.GetValue(_stop)!;
        if (stops.Contains(""))
        {
            throw new UserErrorException("--stop: expected text, found an empty string");
        }

        var seed = parsed.GetValue(_seed);
        var sampling = ModelDefaults.Sampling(
            new TextSettings
            {
                Temperature = parsed.GetValue(_temperature),
                TopK = parsed.GetValue(_topK),
                TopP = parsed.GetValue(_topP),
                MinP = parsed.GetValue(_minP),
                RepetitionPenalty = parsed.GetValue(_repetitionPenalty),
                PresencePenalty = parsed.GetValue(_presencePenalty),
                FrequencyPenalty = parsed.GetValue(_frequencyPenalty),
                Seed = seed ?? (isForReader ? DrawnSeed.Next() : 0),
            },
            assets
        );
        var drafts = Drafts(parsed, assets);
        var maxTokens = parsed.GetValue(_maxTokens);
        return new GenerationSettings
        {
            Drafts = drafts.Sources,
            MaxTokens = maxTokens ?? standardMaxTokens ?? ModelDefaults.MaxTokens(assets, int.MaxValue),
            MayShorten = isForReader && maxTokens is null,
            IgnoreEndTokens = parsed.GetValue(_ignoreEos),
            MaxWidth = drafts.MaxWidth,
            ChainDepth = drafts.ChainDepth,
            StopStrings = stops,
            Sampling = sampling,
            IsSeedDrawn = seed is null && isForReader && !SamplingParameters.IsGreedyAt(sampling.Temperature),
        };
    }

    /// <summary>The rival that --decode names; null for the pipeline's own ways.</summary>
    public RivalMethod? Rival(ParseResult parsed) =>
        RivalSettings.Names.ToList().IndexOf(parsed.GetValue(_decode) ?? "") is >= 0 and var rival
            ? (RivalMethod)rival
            : null;

    private DraftSettings Drafts(ParseResult parsed, ModelAssets assets)
    {
        var decode = parsed.GetValue(_decode);
        if (Rival(parsed) is null)
        {
            return _drafts.Settings(parsed, assets, decode);
        }

        return _drafts.FirstGiven(parsed) is { } option
            ? throw new UserErrorException($"{option.Name}: cannot be given with --decode {decode}")
            : new DraftSettings(DraftSources.None);
    }
}
