using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Planning;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;
using static Ppsd.Tests.Host.Bench.LockStep.CostedToys;

namespace Ppsd.Tests.Host.Bench.LockStep;

/// <summary>
/// Where many sessions keep the stages busy an exit head would only delay them, so its upkeep is spared too. When they have
/// ended it catches up with the tokens that it missed, and drafts for those that are left. Toys fail where a head drafts
/// behind a token that its caches lack.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class WakingHeadTests
{
    private const int Short = 20;
    private const int Long = 300;
    private readonly ToyModel _model = new(50);

    /// <param name="stages">Stages, each of 4 ms.</param>
    /// <param name="temperature">How the texts are drawn.</param>
    /// <param name="drafts">What drafts.</param>
    [Test]
    [Pairwise]
    public void A_session_that_is_left_alone_drafts_again(
        [Values(1, 2, 4)] int stages,
        [Values(0, 1)] float temperature,
        [Values(DraftSources.ExitHead, DraftSources.ExitHead | DraftSources.NGrams)] DraftSources drafts
    )
    {
        var (drafted, plain, text) = Measure(stages, row: 0.02, temperature, drafts);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Judged(text).Count, Is.AtLeast(Long / 12), "the head drafts for most of the text");
            Assert.That(plain / drafted, Is.AtLeast(1.2));
        }
    }

    /// <summary>A row as dear as a step: to catch up takes as long as the tokens have taken.</summary>
    [Test]
    public void Where_catching_up_would_take_longer_than_drafts_can_save_it_goes_on_without()
    {
        var (drafted, plain, _) = Measure(stages: 1, row: 0.9, temperature: 0, DraftSources.ExitHead);

        Assert.That(plain / drafted, Is.AtLeast(0.97));
    }

    /// <summary>Keys and values that were computed later are those that would have been computed at once.</summary>
    [Test]
    public void A_real_chain_that_has_caught_up_is_right_as_often_as_one_that_never_slept()
    {
        var assets = ModelAssets.Open(
            TestModels.Shared("models", "gsm-llama"),
            TestModels.Shared("models", "gsm-llama-exit4-chain"),
            TimeProvider.System
        );
        var factory = new StageRuntimeFactory(assets, new StageSettings { Devices = ["cpu"], Threads = 1 });
        var costs = Costs(stages: 2, row: 0.02, head: 0.3);
        var layers = StagePlan.Even(assets.Config.LayerCount, costs.Stages.Count).Stages;
        using var pipeline = new LockStepPipeline(
            [.. layers.Select((range, stage) => factory.Load(range, stage))],
            new PipelineOptions(),
            costs
        )
        {
            Times = costs,
        };
        var requests = PromptFile
            .Read(Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "gsm8k-test.jsonl"), assets)
            .Take(10)
            .Select((prompt, i) => TextGenerator.Request(assets, prompt, Settings(i == 0 ? 90 : 6)))
            .ToList();

        var alone = pipeline.Decode(requests[0]);
        var (_, _, among) = CostedToys.Measure(pipeline, requests, texts: null);

        var (awake, woken) = (Judged(alone), Judged(among[0]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(among[0].TokenIds, Is.EqualTo(alone.TokenIds));
            Assert.That(woken.Count, Is.InRange(30, awake.Count - 1), "it slept, and it woke");
            Assert.That(woken.Rate, Is.EqualTo(awake.Rate).Within(0.12));
        }

        static GenerationSettings Settings(int maxTokens) =>
            new()
            {
                Drafts = DraftSources.ExitHead,
                MaxWidth = 8,
                Sampling = SamplingSettings.Greedy,
                MaxTokens = maxTokens,
                IgnoreEndTokens = true,
            };
    }

    /// <summary>Drafts of the exit head that were judged, and the share of them that was right.</summary>
    private static (int Count, double Rate) Judged(LockStepText text)
    {
        var own = text.Stats.Sources.Where(source => source.Source == DraftSource.ExitHead).ToList();
        var count = own.Sum(source => source.Judged);
        return (count, (double)own.Sum(source => source.Accepted) / count);
    }

    /// <summary>One long text among short ones.</summary>
    private (double Drafted, double Plain, LockStepText Long) Measure(
        int stages,
        double row,
        float temperature,
        DraftSources drafts
    )
    {
        var texts = new ReplayedTexts(acceptance: 0.85);
        using var pipeline = Pipeline(_model, Costs(stages, row, head: 0.3), texts);
        var requests = Enumerable
            .Range(0, 24)
            .Select(session =>
                ToyPipeline.Request([session, 1, 2], session == 0 ? Long : Short, drafts, maxWidth: 8) with
                {
                    Sampling = new SamplingSettings { Temperature = temperature, Seed = 3 },
                }
            );
        var (drafted, plain, all) = CostedToys.Measure(pipeline, [.. requests], texts);
        return (drafted, plain, all[0]);
    }
}
