using Ppsd.Actors.Configuration;
using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Generation;

/// <summary>The law on a real model: sharing micro-batches with other sessions changes no token of any of them.</summary>
public sealed class ManySessionsTests
{
    private static readonly string[] _questions =
    [
        "USER: How many legs do 3 cats have? ASSISTANT:",
        "USER: Tom has 4 boxes of 12 pens and gives away 9 pens. How many pens are left? ASSISTANT:",
        "USER: A train runs 60 miles an hour. How far does it get in 3 hours? ASSISTANT:",
        "USER: Sum of 5 and 8? ASSISTANT:",
        "USER: Half of 90? ASSISTANT:",
        "USER: Mia saves 6 dollars a week. After 7 weeks she buys a ball for 12 dollars. How much is left? ASSISTANT:",
    ];

    [TestCase(1, TestName = "Six_sessions_together_give_each_alone_in_large_groups_without_drafts")]
    [TestCase(8, TestName = "Six_sessions_together_give_each_alone_beside_each_others_drafts")]
    public async Task Six_sessions_together_give_each_alone(int parallelStages)
    {
        var assets = ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System);
        await using var pipeline = await StartAsync(assets, parallelStages);
        var generator = new TextGenerator(pipeline.Client, assets);
        var prompts = _questions.Select(question => assets.Tokenizer.Encode(question)).ToArray();

        var alone = new List<TextResult>();
        for (var i = 0; i < prompts.Length; i++)
        {
            alone.Add(await generator.RunAsync(prompts[i], Settings(i) with { Drafts = DraftSources.None }));
        }

        var before = (await pipeline.StatusAsync())[^1];
        var together = await Task.WhenAll(prompts.Select((prompt, i) => generator.RunAsync(prompt, Settings(i))));
        var after = (await pipeline.StatusAsync())[^1];

        using (Assert.EnterMultipleScope())
        {
            for (var i = 0; i < prompts.Length; i++)
            {
                Assert.That(together[i].TokenIds, Is.EqualTo(alone[i].TokenIds), $"session {i}");
                Assert.That(
                    together[i].Logprobs?.Select(token => token.Chosen),
                    Is.EqualTo(alone[i].Logprobs?.Select(token => token.Chosen)),
                    $"log-probabilities of session {i}"
                );
            }

            Assert.That(
                after.DecodeRows - before.DecodeRows,
                Is.GreaterThan(after.DecodeSteps - before.DecodeSteps),
                "micro-batches were shared"
            );
        }
    }

    private static Task<LocalPipeline> StartAsync(ModelAssets assets, int parallelStages)
    {
        var factory = new StageRuntimeFactory(assets, new StageSettings { Devices = ["cpu"], Threads = 1 });
        var plan = StagePlan.Even(assets.Config.LayerCount, 3);
        return LocalPipeline.StartAsync(
            [.. plan.Stages.Select((layers, stage) => (Func<IStageRuntime>)(() => factory.Load(layers, stage)))],
            assets.Fingerprint,
            PpsdConfig.Load(NodeRole.Local, overrides: $"ppsd.pipeline.parallel-stages = {parallelStages}"),
            TimeProvider.System
        );
    }

    /// <summary>Modes, widths, lengths and ways of drawing, all different.</summary>
    private static GenerationSettings Settings(int session) =>
        new()
        {
            Drafts = session == 3 ? DraftSources.None : DraftSources.ExitHead,
            MaxTokens = 24 + 4 * session,
            IgnoreEndTokens = true,
            MaxWidth = 1 + session % 3,
            TopLogprobs = session % 2 == 0 ? 2 : null,
            Sampling = new SamplingSettings
            {
                Temperature = session % 3 == 0 ? 0f : 0.9f,
                TopK = session == 4 ? 20 : 0,
                TopP = session == 1 ? 0.9f : 1f,
                FrequencyPenalty = session == 2 ? 0.5f : 0f,
                RepetitionPenalty = session == 5 ? 1.2f : 1f,
                Seed = (ulong)session,
            },
        };
}
