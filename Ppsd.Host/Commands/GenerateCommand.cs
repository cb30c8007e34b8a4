using System.CommandLine;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Rivals;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd generate</c>: texts for prompts, on stages in this process, in several, or on a cluster.</summary>
internal sealed class GenerateCommand : PpsdCommand
{
    private readonly ModelOptions _model = new(calibrates: true);
    private readonly SamplingOptions _sampling = new(isForReader: true, rivals: true);
    private readonly RivalOptions _rivals = new();
    private readonly PlacementOptions _placement = new(new NodeOptions());

    private readonly Argument<string?> _prompt = new("PROMPT")
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description =
            "Raw prompt; the tokenizer's rules add what belongs before it. One that starts with dashes goes behind --.",
    };

    private readonly Option<string?> _prompts = OptionFactory.Text(
        "--prompts",
        "FILE",
        "JSON lines with a prompt, messages or a question each, instead of PROMPT."
    );

    private readonly Option<int?> _promptTokens = OptionFactory.Number(
        "--prompt-tokens",
        "N",
        "A keyed pseudo-prompt of N token ids, instead of PROMPT, for measurements.",
        1,
        1_000_000
    );

    private readonly Option<int?> _concurrency = OptionFactory.Number(
        "--concurrency",
        "N",
        "Prompts of --prompts decoded at once; 1 by default. Output keeps their order.",
        1,
        1024
    );

    private readonly Option<bool> _json = OptionFactory.Switch("--json", "Prints one JSON object a prompt and line.");

    private readonly ShowDraftsOption _showDrafts = new();

    private readonly Option<bool> _compare = OptionFactory.Switch(
        "--compare",
        "Decodes the text again without drafts, on the same stages and, on the CPU, on one stage with all threads, and prints the speeds."
    );

    public GenerateCommand(TimeProvider clock)
        : base("generate", "Generates text.", clock)
    {
        Add(_prompt);
        Add(_model);
        Add(_sampling);
        Add(_rivals);
        Add(_prompts);
        Add(_promptTokens);
        Add(_concurrency);
        Add(_json);
        Add(_showDrafts);
        Add(_compare);
        Add(_placement);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var prompt = parsed.GetValue(_prompt);
        var promptFile = parsed.GetValue(_prompts);
        CheckCombinations(parsed, prompt, promptFile);
        var rival = _rivals.Settings(parsed, _sampling.Rival(parsed));
        using var prepared = rival is null ? _placement.Prepare(parsed) : null;
        var assets = _model.Open(parsed, _placement.Stages, Clock);
        ModelWarnings.Write(assets, withTokenizer: true);
        var settings = _sampling.Settings(parsed, assets);
        assets = _model.Calibrate(
            parsed,
            assets,
            _placement.Stages.Settings(parsed, stagesHere: 1),
            settings.Sampling,
            Console.Error.WriteLine
        );
        var prompts =
            parsed.GetValue(_promptTokens) is { } length ? [KeyedPrompt.Create(0, length, assets.Config.VocabSize)]
            : promptFile is null ? [assets.Tokenizer.Encode(prompt!, cancellation)]
            : PromptFile.Read(promptFile, assets, cancellation);

        CheckContext(prompts, settings, assets);
        if (rival is not null)
        {
            await DecodeWithAsync(rival, parsed, assets, prompts, settings, cancellation);
            return 0;
        }

        await using var pipeline = await _placement.StartAsync(parsed, assets, Clock, cancellation, prepared);
        var generator = new TextGenerator(pipeline.Client, assets);
        if (parsed.GetValue(_json) || promptFile is not null)
        {
            await PrintAllAsync(
                generator,
                prompts,
                settings,
                parsed.GetValue(_json),
                parsed.GetValue(_concurrency) ?? 1,
                cancellation
            );
            return 0;
        }

        var session = new InteractiveGeneration(generator, pipeline, Clock, ThreadsEach(parsed, assets, pipeline));
        var result = await session.RunAsync(prompts[0], settings, _showDrafts.Value(parsed), cancellation);
        if (parsed.GetValue(_compare))
        {
            await CompareAsync(parsed, assets, pipeline, prompts[0], settings, result, cancellation);
        }

        return 0;
    }

    /// <summary>Null where one stage in this process is not an alternative, or is about to be measured.</summary>
    private int? ThreadsEach(ParseResult parsed, ModelAssets assets, IPipeline pipeline)
    {
        var settings = _placement.Stages.Settings(parsed, stagesHere: pipeline.Formed.Stages.Length);
        return
            pipeline is InProcessPipeline
            && assets.Plan is null
            && !parsed.GetValue(_compare)
            && settings.Devices.All(device => device == "cpu")
            ? settings.Threads
            : null;
    }

    private async Task DecodeWithAsync(
        RivalSettings rival,
        ParseResult parsed,
        ModelAssets assets,
        List<int[]> prompts,
        GenerationSettings settings,
        CancellationToken cancellation
    )
    {
        var plan = _placement.Stages.Plan(parsed, assets, _placement.Stages.Count(parsed) ?? 1);
        var stages = _placement.Stages.Settings(parsed, stagesHere: 1);
        var length = prompts.Max(prompt => prompt.Length) + settings.MaxTokens;
        using var decoder = new RivalLoader(assets, plan, stages, length, Clock).Load(rival);
        var generation = new RivalGeneration(rival, decoder, assets);
        var json = parsed.GetValue(_json);
        await (
            json || parsed.GetValue(_prompts) is not null
                ? generation.PrintAllAsync(prompts, settings, json, cancellation)
                : generation.PrintAsync(prompts[0], settings, cancellation)
        );
    }

    private async Task CompareAsync(
        ParseResult parsed,
        ModelAssets assets,
        IPipeline pipeline,
        int[] prompt,
        GenerationSettings settings,
        TextResult result,
        CancellationToken cancellation
    )
    {
        var stageCount = pipeline.Formed.Stages.Length;
        if (settings.Drafts == DraftSources.None || stageCount == 1 || result.TokenIds.Count < 2)
        {
            Console.Error.WriteLine(
                "nothing to compare: drafts need an exit head, two stages or more, and a text of two tokens or more"
            );
            return;
        }

        await using var oneStage = await _placement.StartOneStageAsync(parsed, assets, pipeline, Clock);
        var race = new ModeRace(
            new TextGenerator(pipeline.Client, assets),
            stageCount,
            oneStage is null ? null : new TextGenerator(oneStage.Client, assets),
            Environment.ProcessorCount,
            Clock
        );
        SummaryView.Print(await race.RunAsync(prompt, settings, result, cancellation));
    }

    /// <summary>Refuses what the pipeline would refuse, before weights are loaded.</summary>
    private static void CheckContext(List<int[]> prompts, GenerationSettings settings, ModelAssets assets)
    {
        var context = assets.Config.MaxPositions;
        var longest = prompts.Max(prompt => prompt.Length);
        var shortest = settings.MayShorten ? 1 : settings.MaxTokens;
        if ((long)longest + shortest > context)
        {
            throw new UserErrorException(
                longest >= context
                    ? $"a prompt of {longest} tokens leaves no room to generate in the model's context of {context} tokens"
                    : $"--max-tokens: a prompt of {longest} tokens and {shortest} to generate exceed the model's context of {context} tokens"
            );
        }
    }

    private void CheckCombinations(ParseResult parsed, string? prompt, string? promptFile)
    {
        if (parsed.GetValue(_promptTokens) is not null)
        {
            if (prompt is not null || promptFile is not null)
            {
                throw new UserErrorException("--prompt-tokens: cannot be given with PROMPT or --prompts");
            }
        }
        else if (prompt is null == promptFile is null)
        {
            throw new UserErrorException(
                prompt is null
                    ? "expected PROMPT or --prompts FILE, found neither"
                    : "expected PROMPT or --prompts FILE, found both"
            );
        }

        if (parsed.GetValue(_compare) && (parsed.GetValue(_json) || promptFile is not null))
        {
            throw new UserErrorException("--compare: expected one text without --json, found --json or --prompts");
        }

        _placement.Check(parsed);
        var unfit = _placement.ElsewhereOption(parsed) ?? Array.Find<Option>([_compare, _concurrency], IsGiven)?.Name;
        if (_sampling.Rival(parsed) is { } rival && unfit is not null)
        {
            throw new UserErrorException(
                $"{unfit}: cannot be given with --decode {RivalSettings.Names[(int)rival]}, which decodes one text after another in this process"
            );
        }

        bool IsGiven(Option option) => parsed.GetResult(option) is { Implicit: false };
    }

    private static async Task PrintAllAsync(
        TextGenerator generator,
        List<int[]> prompts,
        GenerationSettings settings,
        bool json,
        int concurrency,
        CancellationToken cancellation
    )
    {
        // Results are printed in order and as soon as all before them are there.
        var running = new Queue<Task<TextResult>>();
        foreach (var prompt in prompts)
        {
            if (running.Count == concurrency)
            {
                Print(await running.Dequeue());
            }

            running.Enqueue(generator.RunAsync(prompt, settings, cancellation));
        }

        while (running.TryDequeue(out var result))
        {
            Print(await result);
        }

        if (settings.IsSeedDrawn && !json)
        {
            Console.Error.WriteLine(SummaryView.Seed(settings));
        }

        void Print(TextResult result) =>
            StandardOutput.WriteLine(json ? GenerationJson.Line(result, settings.Sampling) : result.Text);
    }
}
