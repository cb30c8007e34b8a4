using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Generation;

/// <summary>The bundled head drafts as well here as in the trainer that made it.</summary>
public sealed class AcceptanceTests
{
    private const double TrainersAcceptance = 0.79;

    [Test]
    public async Task Acceptance_on_GSM8K_test_questions_is_the_trainers_within_3_points()
    {
        var assets = ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System);
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            StagePlan.Even(assets.Config.LayerCount, 4),
            new StageSettings { Devices = ["cpu"], Threads = 1 },
            new NodeSettings(),
            TimeProvider.System
        );
        var generator = new TextGenerator(pipeline.Client, assets);
        var questions = PromptFile.Read(
            Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "gsm8k-test.jsonl"),
            assets
        );
        var settings = new GenerationSettings
        {
            Drafts = DraftSources.ExitHead,
            Sampling = SamplingSettings.Greedy,
            MaxTokens = 96,
        };

        // As many as the trainer took; one after another, so that every draft has room to be verified.
        var verified = 0;
        var accepted = 0;
        foreach (var question in questions.Take(48))
        {
            var result = await generator.RunAsync(question, settings);
            verified += result.Stats.VerifiedDrafts;
            accepted += result.Stats.AcceptedDrafts;
        }

        Assert.That((double)accepted / verified, Is.EqualTo(TrainersAcceptance).Within(0.03));
    }
}
