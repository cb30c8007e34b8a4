using System.CommandLine;
using System.Globalization;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals;
using Ppsd.Kernels.Checkpoints.Configuration;
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
    private const int MaxChainDepth = 6;

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

    private readonly Option<DraftChoice?> _drafts = OptionFactory.Parsed(
        "--drafts",
        "exit|chain|ngram|auto|none",
        "What drafts, several between commas: the exit head one token ahead, the exit head as a chain, the text's own n-grams; auto is all there are. By default the exit head where there is one. The text is the same.",
        DraftNames.Parse,
        DraftNames.Expected
    );

    private readonly Option<int?> _maxWidth = OptionFactory.Number(
        "--max-width",
        "W",
        "Most candidates of a micro-batch: the likeliest W drafts enter, as chains and branches. By default as many as pay where a chain or n-grams draft, else 1.",
        1,
        16
    );

    private readonly Option<int?> _chainDepth = OptionFactory.Number(
        "--chain-depth",
        "D",
        "Most tokens that a chain head drafts ahead of a candidate; 4 by default, 1 with --drafts exit.",
        1,
        MaxChainDepth
    );

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
        command.Options.Add(_drafts);
        command.Options.Add(_maxWidth);
        command.Options.Add(_chainDepth);
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
            Drafts = drafts,
            MaxTokens = maxTokens ?? standardMaxTokens ?? ModelDefaults.MaxTokens(assets, int.MaxValue),
            MayShorten = isForReader && maxTokens is null,
            IgnoreEndTokens = parsed.GetValue(_ignoreEos),
            MaxWidth = parsed.GetValue(_maxWidth) ?? 0,
            ChainDepth = ChainDepth(parsed, drafts, assets),
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

    private DraftSources Drafts(ParseResult parsed, ModelAssets assets)
    {
        var decode = parsed.GetValue(_decode);
        if (Rival(parsed) is not null)
        {
            var option = Array.Find<Option>(
                [_drafts, _maxWidth, _chainDepth],
                option => parsed.GetResult(option) is { Implicit: false }
            );
            return option is null
                ? DraftSources.None
                : throw new UserErrorException($"{option.Name}: cannot be given with --decode {decode}");
        }

        var choice = parsed.GetValue(_drafts);
        var chosen =
            choice == DraftChoice.Auto
                ? DraftSources.NGrams | (assets.ExitHead is null ? DraftSources.None : DraftSources.ExitHead)
                : choice?.Sources;
        if (decode is not null && chosen is not null && decode == "ppsd" != (chosen != DraftSources.None))
        {
            throw new UserErrorException(
                $"--drafts: expected {(decode == "ppsd" ? "a source" : "none")} with --decode {decode}, found {DraftNames.Of(chosen.Value)}"
            );
        }

        if (decode == "autoregressive")
        {
            return DraftSources.None;
        }

        var needsHead = chosen is { } sources ? (sources & DraftSources.ExitHead) != 0 : decode == "ppsd";
        if (needsHead && assets.ExitHead is null)
        {
            throw new UserErrorException(
                $"{(chosen is null ? "--decode ppsd" : $"--drafts {DraftNames.Of(chosen.Value)}")}: no exit head was made for the weights of {assets.Folder}; give one with --exit-head, or decode autoregressively"
            );
        }

        return chosen ?? (assets.ExitHead is null ? DraftSources.None : DraftSources.ExitHead);
    }

    private int ChainDepth(ParseResult parsed, DraftSources drafts, ModelAssets assets)
    {
        if (parsed.GetValue(_chainDepth) is not { } depth)
        {
            return parsed.GetValue(_drafts) is { IsChain: false } ? 1 : 0;
        }

        if ((drafts & DraftSources.ExitHead) == 0)
        {
            throw new UserErrorException(
                $"{_chainDepth.Name}: expected an exit head among the sources, found {DraftNames.Of(drafts)}"
            );
        }

        return depth == 1 || assets.ExitHead!.Kind == ExitHeadKind.Chain
            ? depth
            : throw new UserErrorException(
                $"{_chainDepth.Name}: expected 1, because the exit head is no chain and drafts one token ahead, found {depth}"
            );
    }
}
