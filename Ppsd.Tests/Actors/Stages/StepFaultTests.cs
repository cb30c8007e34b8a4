using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Stages;

/// <summary>A step that fails costs the sessions in it; a device that is broken costs the stage.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StepFaultTests
{
    /// <summary>A prompt that begins with this token makes the step fail.</summary>
    private const int Poison = 5;

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public async Task A_session_whose_step_fails_ends_with_the_reason_and_the_next_one_decodes(int failing)
    {
        await using var pipeline = await ToyPipeline.StartAsync(
            stageCount: 3,
            ToyDrafters.Mostly,
            onForward: (stage, parts) => FailOnPoison(stage == failing, parts)
        );
        for (var round = 0; round < 2; round++)
        {
            Assert.That(
                async () => await pipeline.RunAsync(ToyPipeline.Request([Poison, 2], 10)),
                Throws
                    .TypeOf<GenerationException>()
                    .With.Message.Contains($"stage {failing + 1} failed: the step slipped")
            );
            var result = await pipeline.RunAsync(ToyPipeline.Request([1, 2], 20));
            Assert.That(
                result.Tokens,
                Is.EqualTo(pipeline.Model.Generate([new(1), new(2)], 20, SamplingSettings.Greedy))
            );
        }

        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task A_device_that_cannot_recover_ends_its_stage()
    {
        await using var pipeline = await ToyPipeline.StartAsync(
            stageCount: 2,
            ToyDrafters.Mostly,
            onForward: (stage, parts) => FailOnPoison(stage == 1, parts),
            recovers: false
        );

        Assert.That(
            async () => await pipeline.RunAsync(ToyPipeline.Request([Poison, 2], 10)),
            Throws.TypeOf<GenerationException>()
        );
        Assert.That(
            async () =>
            {
                // The stage's end is seen a moment after the failure.
                for (var attempt = 0; attempt < 1000; attempt++)
                {
                    await pipeline.RunAsync(ToyPipeline.Request([1, 2], 20));
                }
            },
            Throws.TypeOf<GenerationException>()
        );
    }

    private static void FailOnPoison(bool fails, IReadOnlyList<BatchPart> parts)
    {
        if (fails && parts.Any(part => part.Settings is not null && part.Tokens[0].Value == Poison))
        {
            throw new InvalidOperationException("the step slipped");
        }
    }
}
