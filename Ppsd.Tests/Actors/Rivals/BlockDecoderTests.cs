using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Rivals;
using Ppsd.Actors.Speculation.Blocks;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Rivals;

/// <summary>The law for what PPSD is compared with: blocks of drafts never change the text.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class BlockDecoderTests
{
    private static readonly SamplingSettings[] _samplings =
    [
        SamplingSettings.Greedy,
        new() { Temperature = 0.9f, Seed = 42 },
    ];

    private static readonly Dictionary<string, Func<IBlockPolicy>> _policies = new()
    {
        ["constant"] = () => new ConstantLength(3),
        ["best"] = () => new BestLength(new BlockCosts(0.25, 0)),
        ["thompson"] = () => Thompson(new Random(1)),
        ["confident"] = () => new ConfidentLength(12, 0.5),
    };

    private static IEnumerable<TestCaseData> Cases() =>
        from drafter in ((string Name, ToyDrafter Drafter)[])
            [("right", ToyDrafters.AlwaysRight), ("wrong", ToyDrafters.AlwaysWrong), ("mostly", ToyDrafters.Mostly)]
        from policy in _policies.Keys
        from stages in (int[])[2, 4]
        select new TestCaseData(drafter.Drafter, policy, stages).SetArgDisplayNames(
            drafter.Name,
            policy,
            $"{stages} stages"
        );

    [TestCaseSource(nameof(Cases))]
    public void An_early_exit_gives_the_text_of_plain_decoding(ToyDrafter drafter, string policy, int stages)
    {
        var model = new ToyModel(6);
        using var decoder = Decoder(model, stages, drafter, _policies[policy]);
        foreach (var sampling in _samplings)
        {
            var request = ToyPipeline.Request([1, 2, 3], 60, DraftSources.None, sampling);
            Assert.That(TokensOf(decoder, request), Is.EqualTo(model.Generate(request.Prompt, 60, sampling)));
        }

        Assert.That(decoder.Stages.Select(stage => stage.FreePages), Has.All.EqualTo(1000), "pages are given back");
    }

    [Test]
    public void A_prompt_of_several_chunks_and_any_token_limit_give_the_text_of_plain_decoding(
        [Values(16, 17, 40)] int length,
        [Values(1, 2, 7)] int tokens
    )
    {
        var model = new ToyModel(6);
        using var decoder = Decoder(model, 3, ToyDrafters.Mostly, () => new ConstantLength(5));
        var prompt = Enumerable.Range(0, length).Select(i => i % 6).ToArray();
        var request = ToyPipeline.Request(prompt, tokens, DraftSources.None, _samplings[1]);

        Assert.That(TokensOf(decoder, request), Is.EqualTo(model.Generate(request.Prompt, tokens, _samplings[1])));
    }

    [Test]
    public void Figures_count_what_drafts_saved()
    {
        using var decoder = Decoder(new ToyModel(6), 2, ToyDrafters.AlwaysRight, () => new ConstantLength(3));
        var right = EndOf(decoder, ToyPipeline.Request([1], 41, DraftSources.None, SamplingSettings.Greedy));
        using var other = Decoder(new ToyModel(6), 2, ToyDrafters.AlwaysWrong, () => new ConstantLength(3));
        var wrong = EndOf(other, ToyPipeline.Request([1], 41, DraftSources.None, SamplingSettings.Greedy));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(right.Reason, Is.EqualTo(FinishReason.Length));
            Assert.That(right.Stats.GeneratedTokens, Is.EqualTo(41));
            Assert.That((right.Stats.VerifiedDrafts, right.Stats.AcceptedDrafts), Is.EqualTo((30, 30)));
            Assert.That((right.Stats.Rollbacks, right.Stats.CancelledDrafts), Is.EqualTo((0, 0)));

            // 40 blocks; the last three have room for two, one and no draft.
            Assert.That((wrong.Stats.VerifiedDrafts, wrong.Stats.AcceptedDrafts), Is.EqualTo((39, 0)));
            Assert.That((wrong.Stats.Rollbacks, wrong.Stats.CancelledDrafts), Is.EqualTo((39, 37 * 2 + 1)));
        }
    }

    [Test]
    public void A_text_ends_at_an_end_token_inside_a_block()
    {
        var model = new ToyModel(6);
        var request = ToyPipeline.Request([1, 2], 60, DraftSources.None, _samplings[1]);
        var text = model.Generate(request.Prompt, 60, _samplings[1]);
        var end = text[20];
        using var decoder = Decoder(model, 2, ToyDrafters.AlwaysRight, () => new ConstantLength(6));

        var tokens = TokensOf(decoder, request with { EndTokens = [end] });
        Assert.That(tokens, Is.EqualTo(text[..(text.IndexOf(end) + 1)]));
    }

    [Test]
    public void Shadow_heads_of_every_exit_give_the_text_of_plain_decoding([Values] bool usesLength)
    {
        var model = new ToyModel(6);
        foreach (var sampling in _samplings)
        {
            var request = ToyPipeline.Request([1, 2, 3, 4, 5, 0, 1], 80, DraftSources.None, sampling);
            var text = model.Generate(request.Prompt, 80, sampling);
            var exitsUsed = new HashSet<int>();
            using var decoder = new BlockDecoder(
                [.. Enumerable.Range(0, 4).Select(stage => new ToyRuntime(model, stage, 4))],
                new EarlyExitDrafter(
                    _ => new DelPolicy([4, 8, 12], 16, usesLength),
                    [0, 1, 2],
                    new ToyLayerHeads([.. request.Prompt, .. text], exitsUsed)
                ),
                TimeProvider.System
            );

            Assert.That(TokensOf(decoder, request), Is.EqualTo(text));
            Assert.That(exitsUsed, Is.EquivalentTo([0, 1, 2]));
        }
    }

    /// <summary>The last of two stages drafts in place of its target head while sublayers are skipped.</summary>
    [Test]
    public void A_pass_with_skipped_sublayers_gives_the_text_of_plain_decoding(
        [Values(0.0, 0.15, 1.1)] double threshold
    )
    {
        var model = new ToyModel(6);
        foreach (var sampling in _samplings)
        {
            var features = new List<float[]>();
            using var decoder = new BlockDecoder(
                [
                    .. Enumerable
                        .Range(0, 2)
                        .Select(stage => new ToyRuntime(model, stage, 2, ToyDrafters.Mostly, layers: 1)),
                ],
                new SkippingDrafter(
                    feature =>
                    {
                        features.Add(feature);
                        return [true, false, false, true];
                    },
                    most: 5,
                    threshold
                ),
                TimeProvider.System
            );
            var request = ToyPipeline.Request([1, 2, 3], 60, DraftSources.None, sampling);

            Assert.That(TokensOf(decoder, request), Is.EqualTo(model.Generate(request.Prompt, 60, sampling)));
            Assert.That(features.Single(), Has.Length.EqualTo(2));
        }
    }

    private static BlockDecoder Decoder(ToyModel model, int stages, ToyDrafter drafter, Func<IBlockPolicy> policy) =>
        new(
            [
                .. Enumerable
                    .Range(0, stages)
                    .Select(stage => new ToyRuntime(model, stage, stages, stage == 0 ? drafter : null)),
            ],
            new EarlyExitDrafter(_ => policy(), [0]),
            TimeProvider.System
        );

    private static ThompsonLength Thompson(Random random) => new((a, b) => a / (a + b), random.NextDouble);

    private static List<TokenId> TokensOf(BlockDecoder decoder, StartSession request) =>
        [.. decoder.Decode(request, () => false).OfType<TokensGenerated>().SelectMany(generated => generated.Tokens)];

    private static GenerationEnded EndOf(BlockDecoder decoder, StartSession request) =>
        decoder.Decode(request, () => false).OfType<GenerationEnded>().Single();

    /// <summary>Knows the text, and says something else where an exit's number divides the position.</summary>
    private sealed class ToyLayerHeads(List<TokenId> text, HashSet<int> exitsUsed) : ILayerHeads
    {
        public void Guess(
            int exit,
            ReadOnlySpan<byte> hidden,
            int firstPosition,
            SamplingSettings sampling,
            Span<TokenId> tokens,
            Span<double> confidences
        )
        {
            exitsUsed.Add(exit);
            for (var i = 0; i < tokens.Length; i++)
            {
                var position = firstPosition + i + 1;
                var isRight = position < text.Count && position % (2 + exit) != 0;
                tokens[i] = isRight ? text[position] : new TokenId(position % 6);
                confidences[i] = isRight ? 0.9 : 0.4;
            }
        }

        public void Dispose() { }
    }
}
