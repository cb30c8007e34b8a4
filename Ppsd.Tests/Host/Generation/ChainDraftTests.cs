using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Generation;

/// <summary>The law with a real chain head in a live pipeline: sources, widths, depths, cuts and sessions change no token.</summary>
public sealed class ChainDraftTests
{
    private const int Tokens = 40;

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public async Task Chains_and_n_grams_give_the_text_of_plain_decoding(int stages)
    {
        var assets = ModelAssets.Open(
            TestModels.Shared("models", "gsm-llama"),
            TestModels.Shared("models", "gsm-llama-exit4-chain"),
            TimeProvider.System
        );

        // A clock that stands still: what rows cost on a busy machine must not choose what drafts enter.
        var rowsCostNothing = new ManualClock();
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            StagePlan.Even(assets.Config.LayerCount, stages),
            new StageSettings { Devices = ["cpu"], Threads = 1 },
            new NodeSettings(),
            rowsCostNothing
        );
        var generator = new TextGenerator(pipeline.Client, assets);
        var prompts = PromptFile
            .Read(Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "gsm8k-test.jsonl"), assets)
            .Take(2)
            .ToList();
        foreach (var temperature in (float[])[0, 0.8f])
        {
            var plain = new GenerationSettings
            {
                Drafts = DraftSources.None,
                Sampling = new SamplingSettings { Temperature = temperature, Seed = 3 },
                MaxTokens = Tokens,
                IgnoreEndTokens = true,
            };
            var expected = await Task.WhenAll(prompts.Select(prompt => generator.RunAsync(prompt, plain)));
            foreach (
                var (drafts, width, depth) in ((DraftSources, int, int)[])
                    [
                        (DraftSources.ExitHead, 1, 0),
                        (DraftSources.ExitHead, 8, 0),
                        (DraftSources.ExitHead | DraftSources.NGrams, 5, 3),
                        (DraftSources.NGrams, 8, 0),
                        (DraftSources.ExitHead | DraftSources.NGrams, 16, 6),
                    ]
            )
            {
                var settings = plain with { Drafts = drafts, MaxWidth = width, ChainDepth = depth };
                var results = await Task.WhenAll(prompts.Select(prompt => generator.RunAsync(prompt, settings)));
                var alone = await generator.RunAsync(prompts[0], settings);

                using (Assert.EnterMultipleScope())
                {
                    Assert.That(
                        results.Append(alone).Select(result => result.TokenIds),
                        Is.EqualTo(expected.Append(expected[0]).Select(result => result.TokenIds)),
                        $"{drafts}, width {width}, depth {depth}, temperature {temperature}"
                    );
                    Assert.That(
                        alone.Stats.AcceptedDrafts,
                        width == 1 && stages == 1 ? Is.Zero : Is.Positive,
                        $"{drafts}, width {width}"
                    );
                    Assert.That(alone.Stats.Restarts, Is.Zero);
                }
            }
        }
    }
}
