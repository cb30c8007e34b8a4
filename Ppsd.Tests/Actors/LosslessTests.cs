using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors;

/// <summary>The law, on a model small enough to check by hand: speculation never changes the text.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LosslessTests
{
    private static readonly (string Name, ToyDrafter Drafter)[] _drafters =
    [
        ("right", ToyDrafters.AlwaysRight),
        ("wrong", ToyDrafters.AlwaysWrong),
        ("alternating", ToyDrafters.Alternating),
        ("late", ToyDrafters.Late),
        ("runner-up", ToyDrafters.RunnerUp),
        ("mostly", ToyDrafters.Mostly),
    ];

    private static readonly SamplingSettings _sampled = new() { Temperature = 0.9f, Seed = 42 };

    private static IEnumerable<TestCaseData> Cases() =>
        from drafter in _drafters
        from stages in (int[])[1, 2, 3, 5]
        from shape in ((int Width, int Depth)[])[(1, 1), (3, 1), (8, 4), (11, 2), (16, 6)]
        select new TestCaseData(drafter.Drafter, stages, shape.Width, shape.Depth).SetArgDisplayNames(
            drafter.Name,
            $"{stages} stages",
            $"width {shape.Width}",
            $"depth {shape.Depth}"
        );

    [TestCaseSource(nameof(Cases))]
    public async Task Speculation_gives_the_text_of_plain_decoding(ToyDrafter drafter, int stages, int width, int depth)
    {
        await using var pipeline = await ToyPipeline.StartAsync(stages, drafter, draftDepth: depth, maxWidth: 16);
        foreach (var sampling in (SamplingSettings[])[SamplingSettings.Greedy, _sampled])
        {
            var expected = pipeline.Model.Generate([new TokenId(1), new TokenId(2)], 60, sampling);
            var plain = await pipeline.RunAsync(ToyPipeline.Request([1, 2], 60, DraftSources.None, sampling));
            var speculative = await pipeline.RunAsync(
                ToyPipeline.Request([1, 2], 60, DraftSources.ExitHead, sampling, width) with
                {
                    ChainDepth = depth,
                }
            );
            using (Assert.EnterMultipleScope())
            {
                Assert.That(plain.Tokens, Is.EqualTo(expected));
                Assert.That(speculative.Tokens, Is.EqualTo(expected));
                Assert.That(speculative.Stats.Restarts, Is.Zero);
            }
        }

        await pipeline.AssertNothingHeldAsync();
    }

    /// <summary>A model of six tokens repeats itself soon, so n-grams match, and often wrongly.</summary>
    [Test]
    public async Task N_grams_give_the_text_of_plain_decoding_with_an_exit_head_and_without(
        [Values(1, 4)] int stages,
        [Values(1, 8, 16)] int width,
        [Values] bool hasExitHead
    )
    {
        await using var pipeline = await ToyPipeline.StartAsync(
            stages,
            ToyDrafters.Mostly,
            headStage: hasExitHead ? 0 : -1,
            draftDepth: 3,
            maxWidth: 16
        );
        foreach (var sampling in (SamplingSettings[])[SamplingSettings.Greedy, _sampled])
        {
            var drafts = DraftSources.NGrams | (hasExitHead ? DraftSources.ExitHead : DraftSources.None);
            var result = await pipeline.RunAsync(ToyPipeline.Request([1, 2, 3, 1, 2], 60, drafts, sampling, width));
            using (Assert.EnterMultipleScope())
            {
                Assert.That(
                    result.Tokens,
                    Is.EqualTo(
                        pipeline.Model.Generate(
                            [.. new[] { 1, 2, 3, 1, 2 }.Select(id => new TokenId(id))],
                            60,
                            sampling
                        )
                    )
                );
                Assert.That(
                    result.Stats.Sources.Any(figures => figures.Source == DraftSource.NGram),
                    Is.EqualTo(stages > 1 || width > 1),
                    "one stage has no room beside a verified token"
                );
                Assert.That(result.Stats.Restarts, Is.Zero);
            }
        }

        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task Speculative_draws_follow_the_targets_distribution()
    {
        const int Draws = 1500;
        await using var pipeline = await ToyPipeline.StartAsync(stageCount: 3, ToyDrafters.Mostly);
        TokenId[] prompt = [new(1), new(2)];
        var first = new int[pipeline.Model.VocabSize];
        var second = new int[pipeline.Model.VocabSize];
        for (var seed = 0; seed < Draws; seed++)
        {
            var sampling = new SamplingSettings { Temperature = 1f, Seed = (ulong)seed };
            var result = await pipeline.RunAsync(
                ToyPipeline.Request([1, 2], 3, DraftSources.ExitHead, sampling, maxWidth: 2)
            );
            first[result.Tokens[0].Value]++;
            second[result.Tokens[1].Value]++;
        }

        // The second token's distribution, over all first tokens.
        var one = pipeline.Model.Distribution(prompt);
        var two = new double[pipeline.Model.VocabSize];
        for (var token = 0; token < one.Length; token++)
        {
            var next = pipeline.Model.Distribution([.. prompt, new TokenId(token)]);
            for (var follower = 0; follower < next.Length; follower++)
            {
                two[follower] += one[token] * next[follower];
            }
        }

        Assert.That(ChiSquare.Deviation(first, one), Is.LessThan(4));
        Assert.That(ChiSquare.Deviation(second, two), Is.LessThan(4));
    }
}
