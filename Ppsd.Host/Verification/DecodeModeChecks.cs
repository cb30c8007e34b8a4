using Akka.Configuration;
using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;

namespace Ppsd.Host.Verification;

/// <summary>
/// The law on one device, end to end: autoregressive decoding and PPSD give the same tokens for every cut, greedy and
/// sampled, alone and beside other sessions.
/// </summary>
internal sealed class DecodeModeChecks(VerifiedDevice device, TimeProvider clock)
{
    private const int Tokens = 48;
    private const int PromptCount = 3;
    private const int KeyedPromptTokens = 24;

    private static readonly SamplingSettings[] _samplings =
    [
        SamplingSettings.Greedy,
        new() { Temperature = 0.9f, Seed = 1 },
        new()
        {
            Temperature = 0.9f,
            TopK = 40,
            TopP = 0.95f,
            RepetitionPenalty = 1.1f,
            Seed = 2,
        },
    ];

    /// <summary>Runs the checks.</summary>
    public async IAsyncEnumerable<Finding> RunAsync()
    {
        var prompts = Prompts();
        List<TextResult>? expected = null;
        foreach (var stages in ((int[])[1, 2, 4, 5, device.Assets.Config.LayerCount]).Distinct())
        {
            if (stages > device.Assets.Config.LayerCount)
            {
                continue;
            }

            await using var pipeline = await StartAsync(stages);
            var generator = new TextGenerator(pipeline.Client, device.Assets);
            foreach (var drafts in (DraftSources[])[DraftSources.None, DraftSources.ExitHead])
            {
                if (drafts != DraftSources.None && device.Assets.ExitHead is null)
                {
                    continue;
                }

                var name =
                    $"{(drafts != DraftSources.None ? "ppsd" : "autoregressive")}, {stages} {(stages == 1 ? "stage" : "stages")}";
                var (results, failure) = await TryRunAllAsync(generator, prompts, drafts, width: 1);
                if (failure is not null)
                {
                    yield return new Finding(name, false, failure);
                    continue;
                }

                expected ??= results!;
                yield return Compare(name, expected, results!);
                if (drafts != DraftSources.None && stages == 4)
                {
                    (results, failure) = await TryRunAllAsync(generator, prompts, drafts, width: 4);
                    yield return failure is null
                        ? Compare($"{name}, width 4", expected, results!)
                        : new Finding($"{name}, width 4", false, failure);
                }
            }
        }
    }

    private static Finding Compare(string name, List<TextResult> expected, List<TextResult> actual)
    {
        var same = expected.Zip(actual).All(pair => pair.First.TokenIds.SequenceEqual(pair.Second.TokenIds));
        var verified = actual.Sum(result => result.Stats.VerifiedDrafts);
        var accepted = actual.Sum(result => result.Stats.AcceptedDrafts);
        var drafts = verified == 0 ? "" : FormattableString.Invariant($", alpha {(double)accepted / verified:0.00}");
        return new Finding(
            name,
            same,
            same ? $"{actual.Count} texts of up to {Tokens} tokens identical{drafts}" : "a text differs"
        );
    }

    private static async Task<(List<TextResult>? Results, string? Failure)> TryRunAllAsync(
        TextGenerator generator,
        List<int[]> prompts,
        DraftSources drafts,
        int width
    )
    {
        try
        {
            return (await RunAllAsync(generator, prompts, drafts, width), null);
        }
        catch (GenerationException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>All prompts with all samplings at once, so that they share micro-batches.</summary>
    private static async Task<List<TextResult>> RunAllAsync(
        TextGenerator generator,
        List<int[]> prompts,
        DraftSources drafts,
        int width
    )
    {
        var runs =
            from prompt in prompts
            from sampling in _samplings
            select generator.RunAsync(
                prompt,
                new GenerationSettings
                {
                    Drafts = drafts,
                    Sampling = sampling,
                    MaxTokens = Tokens,
                    MaxWidth = width,
                }
            );
        return [.. await Task.WhenAll(runs)];
    }

    private Task<LocalPipeline> StartAsync(int stageCount)
    {
        var plan = StagePlan.Even(device.Assets.Config.LayerCount, stageCount);
        var factory = new StageRuntimeFactory(device.Assets, device.Settings, plan);
        // All these sessions are to draft, however many they are.
        Config config = PpsdConfig.Load(NodeRole.Local, overrides: "ppsd.pipeline.parallel-stages = 1024");
        return LocalPipeline.StartAsync(
            [.. plan.Stages.Select((layers, stage) => (Func<IStageRuntime>)(() => factory.Load(layers, stage)))],
            device.Assets.Fingerprint,
            config,
            clock
        );
    }

    /// <summary>Questions, or tokens of a synthetic model, which has no words.</summary>
    private List<int[]> Prompts() =>
        [
            .. device.Assets.Synthetic is null
                ? Bench
                    .BuiltInQuestions.All.Take(PromptCount)
                    .Select(question => device.Assets.Tokenizer.Encode($"USER: {question} ASSISTANT:"))
                : Enumerable
                    .Range(0, PromptCount)
                    .Select(i => KeyedPrompt.Create(i, KeyedPromptTokens, device.Assets.Config.VocabSize)),
        ];
}
