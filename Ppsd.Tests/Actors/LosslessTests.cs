using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support;

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
        from width in (int[])[1, 3]
        select new TestCaseData(drafter.Drafter, stages, width).SetArgDisplayNames(
            drafter.Name,
            $"{stages} stages",
            $"width {width}"
        );

    [TestCaseSource(nameof(Cases))]
    public async Task Speculation_gives_the_text_of_plain_decoding(ToyDrafter drafter, int stages, int width)
    {
        await using var pipeline = await ToyPipeline.StartAsync(stages, drafter);
        foreach (var sampling in (SamplingSettings[])[SamplingSettings.Greedy, _sampled])
        {
            var expected = pipeline.Model.Generate([new TokenId(1), new TokenId(2)], 60, sampling);
            var plain = await pipeline.RunAsync(ToyPipeline.Request([1, 2], 60, DecodeMode.Autoregressive, sampling));
            var speculative = await pipeline.RunAsync(
                ToyPipeline.Request([1, 2], 60, DecodeMode.Ppsd, sampling, width)
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
}
