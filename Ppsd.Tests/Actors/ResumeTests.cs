using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors;

/// <summary>The law when stages die: a text goes on where it was, and nothing of it is missing, doubled or changed.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ResumeTests
{
    private const int Length = 24;
    private const int Stages = 3;

    private static readonly int[] _prompt = [1, 2, 3, 1];

    private static IEnumerable<TestCaseData> Cases() =>
        from stage in Enumerable.Range(0, Stages)
        from temperature in (float[])[0, 0.9f]
        from shape in ((int Width, int Depth)[])[(1, 1), (8, 4)]
        select new TestCaseData(stage, temperature, shape.Width, shape.Depth).SetArgDisplayNames(
            $"stage {stage + 1}",
            $"T = {temperature}",
            $"width {shape.Width}",
            $"depth {shape.Depth}"
        );

    [TestCaseSource(nameof(Cases))]
    public async Task A_stage_that_dies_at_any_token_changes_no_token(
        int stage,
        float temperature,
        int width,
        int depth
    )
    {
        var sampling = new SamplingSettings { Temperature = temperature, Seed = 42 };
        await using var pipeline = new MortalPipeline(Stages, ToyDrafters.Mostly, depth, maxResumes: 3);
        var request = ToyPipeline.Request(_prompt, Length, Sources(depth), sampling, width) with { TopLogprobs = 1 };
        var undisturbed = await pipeline.Client.RunAsync(request);
        Assert.That(undisturbed.Tokens, Is.EqualTo(pipeline.Model.Generate(request.Prompt, Length, sampling)));

        var deaths = 0;
        for (var place = 0; place < _prompt.Length + Length - 1; place++)
        {
            pipeline.Plan((stage, place));
            var result = await pipeline.Client.RunAsync(request);
            deaths += 1 - pipeline.DeathsLeft;
            using (Assert.EnterMultipleScope())
            {
                Assert.That(result.Tokens, Is.EqualTo(undisturbed.Tokens), $"died at {place}");
                Assert.That(
                    result.Logprobs.Select(token => token.Chosen),
                    Is.EqualTo(undisturbed.Logprobs.Select(token => token.Chosen))
                );
                Assert.That(result.Reason, Is.EqualTo(undisturbed.Reason));
                Assert.That(
                    (result.Stats.PromptTokens, result.Stats.GeneratedTokens),
                    Is.EqualTo((undisturbed.Stats.PromptTokens, undisturbed.Stats.GeneratedTokens))
                );
                Assert.That(result.Stats.Resumes, Is.LessThanOrEqualTo(1));
                Assert.That(result.Stats.ReplayedTokens, Is.LessThan(Length));
            }
        }

        // Every stage works on every token but the last, whatever was drafted behind it.
        Assert.That(deaths, Is.EqualTo(_prompt.Length + Length - 1));
        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task Several_texts_at_once_survive_several_deaths()
    {
        await using var pipeline = new MortalPipeline(Stages, ToyDrafters.RunnerUp, draftDepth: 1, maxResumes: 3);
        pipeline.Plan((1, 8), (0, 14), (2, 20));
        var texts = Enumerable
            .Range(0, 6)
            .Select(async i =>
            {
                var sampling = new SamplingSettings { Temperature = i % 2, Seed = (ulong)i };
                int[] prompt = [.. _prompt, i];
                var request = ToyPipeline.Request(prompt, 40, DraftSources.ExitHead, sampling, maxWidth: 1 + i);
                return (
                    (await pipeline.Client.RunAsync(request)).Tokens,
                    pipeline.Model.Generate(request.Prompt, 40, sampling)
                );
            });

        foreach (var (tokens, expected) in await Task.WhenAll(texts))
        {
            Assert.That(tokens, Is.EqualTo(expected));
        }

        Assert.That(pipeline.DeathsLeft, Is.Zero);
        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task One_death_too_many_ends_the_text_with_the_name_of_the_stage()
    {
        await using var pipeline = new MortalPipeline(Stages, ToyDrafters.Mostly, draftDepth: 1, maxResumes: 2);
        pipeline.Plan((1, 8), (1, 12), (1, 16));

        var failure = await Assert.ThrowsAsync<GenerationException>(() =>
            pipeline.Client.RunAsync(ToyPipeline.Request(_prompt, Length))
        );
        Assert.That(failure!.Failure, Is.EqualTo(GenerationFailure.Broken));
        Assert.That(failure.Message, Does.StartWith("stage 2 of the pipeline is gone"));
    }

    [Test]
    public async Task A_text_that_is_not_to_be_resumed_ends_with_the_first_death()
    {
        await using var pipeline = new MortalPipeline(Stages, ToyDrafters.Mostly, draftDepth: 1, maxResumes: 3);
        pipeline.Plan((2, 8));
        var tokens = new List<TokenId>();

        await Assert.ThrowsAsync<GenerationException>(async () =>
        {
            var generation = pipeline.Client.Start(ToyPipeline.Request(_prompt, Length), resumes: false);
            await foreach (var next in generation.Events())
            {
                tokens.AddRange(next is TokensGenerated generated ? generated.Tokens : []);
            }
        });
        Assert.That(tokens, Is.EqualTo(Expected(pipeline).Take(tokens.Count)).And.Count.LessThan(Length));
    }

    /// <summary>Every death finds the reader with tokens that it has not read.</summary>
    [Test]
    public async Task A_slow_reader_reads_the_same_text_through_deaths()
    {
        const int Long = 500;
        await using var pipeline = new MortalPipeline(2, ToyDrafters.AlwaysRight, draftDepth: 1, maxResumes: 3);
        pipeline.Plan((0, 150), (1, 300), (0, 420));
        var request = ToyPipeline.Request(_prompt, Long);
        var tokens = new List<TokenId>();
        await foreach (var next in pipeline.Client.Start(request).Events())
        {
            if (next is TokensGenerated generated)
            {
                tokens.AddRange(generated.Tokens);
                if (tokens.Count % 100 < generated.Tokens.Count)
                {
                    await Task.Delay(5);
                }
            }
        }

        Assert.That(tokens, Is.EqualTo(pipeline.Model.Generate(request.Prompt, Long, SamplingSettings.Greedy)));
        await pipeline.AssertNothingHeldAsync();
    }

    private static DraftSources Sources(int depth) =>
        depth > 1 ? DraftSources.ExitHead | DraftSources.NGrams : DraftSources.ExitHead;

    private static List<TokenId> Expected(MortalPipeline pipeline) =>
        pipeline.Model.Generate([.. _prompt.Select(id => new TokenId(id))], Length, SamplingSettings.Greedy);
}
