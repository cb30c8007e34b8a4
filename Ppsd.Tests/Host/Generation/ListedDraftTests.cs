using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Planning;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Generation;

/// <summary>The law with heads that draft from a list: what they leave out changes no token of the text.</summary>
public sealed class ListedDraftTests
{
    private const int Tokens = 32;
    private const string Model = TestModels.Tiny;

    [TestCase("transformer", 2)]
    [TestCase("chain", 1)]
    [TestCase("chain", 3)]
    public async Task A_head_with_a_list_gives_the_text_of_plain_decoding(string kind, int stages)
    {
        using var folder = new TemporaryFolder();
        if (kind == "chain")
        {
            ExitHeadFolder.WriteChain(Model, exitLayer: 2, folder.FullPath);
        }
        else
        {
            ExitHeadFolder.WriteRemainingLayers(Model, exitLayer: 2, folder.FullPath);
        }

        // Half of the tokens: such a head is right about these, and knows nothing of the others.
        var vocabSize = ModelConfig.Read(TestModels.Folder(Model)).VocabSize;
        ExitHeadFolder.SetList(
            folder.FullPath,
            [.. Enumerable.Range(0, vocabSize).Where(token => token % 4 is 0 or 3)]
        );
        var assets = ModelAssets.Open(TestModels.Folder(Model), folder.FullPath, TimeProvider.System);

        // A clock that stands still: what rows cost on a busy machine must not choose what drafts enter.
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            StagePlan.Even(assets.Config.LayerCount, stages),
            new StageSettings { Devices = ["cpu"], Threads = 1 },
            new NodeSettings(),
            new ManualClock()
        );
        var generator = new TextGenerator(pipeline.Client, assets);
        int[][] prompts =
        [
            [1, 17, 300, 5, 44],
            [1, 900, 33, 2000, 7, 8],
        ];
        var (accepted, verified) = (0, 0);
        using var counted = LockStep(assets, stages);
        foreach (var temperature in (float[])[0, 1])
        {
            var plain = new GenerationSettings
            {
                Drafts = DraftSources.None,
                Sampling = new SamplingSettings { Temperature = temperature, Seed = 3 },
                MaxTokens = Tokens,
                IgnoreEndTokens = true,
            };
            var expected = await Task.WhenAll(prompts.Select(prompt => generator.RunAsync(prompt, plain)));
            foreach (var width in (int[])[1, 5])
            {
                var drafting = plain with { Drafts = DraftSources.ExitHead, MaxWidth = width };

                // One after another: where as many texts as stages run nothing is drafted.
                foreach (var (prompt, text) in prompts.Zip(expected))
                {
                    var result = await generator.RunAsync(prompt, drafting);

                    Assert.That(
                        result.TokenIds,
                        Is.EqualTo(text.TokenIds),
                        $"width {width}, temperature {temperature}"
                    );
                    var stats = counted.Decode(TextGenerator.Request(assets, prompt, drafting)).Stats;
                    accepted += stats.AcceptedDrafts;
                    verified += stats.VerifiedDrafts;
                }
            }
        }

        // In lock-step, since a head that takes longer than the stages behind it may never be in time: some of the drafts are
        // right and some wrong.
        if (stages > 1)
        {
            Assert.That(accepted, Is.Positive.And.LessThan(verified));
        }
    }

    private static LockStepPipeline LockStep(ModelAssets assets, int stages)
    {
        var plan = StagePlan.Even(assets.Config.LayerCount, stages);
        var factory = new StageRuntimeFactory(assets, new StageSettings { Devices = ["cpu"], Threads = 1 }, plan);
        return new LockStepPipeline(
            [.. plan.Stages.Select((layers, stage) => factory.Load(layers, stage))],
            new PipelineOptions()
        );
    }
}
