using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Rivals;

/// <summary>Rivals on the bundled model: the same kernels, and the same text.</summary>
public sealed class RivalTests
{
    private static readonly StageSettings _cpu = new() { Devices = ["cpu"], Threads = 1 };

    private static readonly string _normHeads = TestModels.Folder(TestModels.Gsm) + "-norm-heads";

    private static readonly ModelAssets _assets = ModelAssets.Open(
        TestModels.Folder(TestModels.Gsm),
        TestModels.GsmExitHead,
        TimeProvider.System
    );

    private static readonly RivalSettings[] _rivals =
    [
        new(RivalMethod.Eesd),
        new(RivalMethod.Eesd) { IsThompson = true },
        new(RivalMethod.LayerSkip) { ExitLayer = 10 },
        new(RivalMethod.Del) { LayerHeads = _normHeads },
        new(RivalMethod.Del) { LayerHeads = _normHeads, UsesLength = true },
    ];

    [Test]
    public void A_rival_gives_the_text_of_plain_decoding_on_one_device_and_over_stages([Values(1, 3)] int stages)
    {
        foreach (var temperature in (float[])[0, 1])
        {
            using var plain = Loader(1).LoadPlain();
            var expected = Decode(plain, temperature).Tokens;
            foreach (var rival in _rivals)
            {
                using var decoder = Loader(stages).Load(rival);
                var (tokens, stats) = Decode(decoder, temperature);
                Assert.That(tokens, Is.EqualTo(expected), rival.Description);
                Assert.That(stats.AcceptedDrafts, Is.GreaterThan(0), rival.Description);
            }
        }
    }

    [Test]
    public void Skipped_sublayers_give_the_text_of_plain_decoding(
        [Values(1, 3)] int stages,
        [Values(0, 1)] float temperature
    )
    {
        using var plain = Loader(1).LoadPlain();
        float[] seen = [];
        using var decoder = Loader(stages)
            .LoadSkipping(feature =>
            {
                seen = feature;
                return [.. Enumerable.Range(0, 32).Select(sublayer => sublayer is 6 or 13 or 17 or 18)];
            });
        var (tokens, stats) = Decode(decoder, temperature);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens, Is.EqualTo(Decode(plain, temperature).Tokens));
            Assert.That(stats.AcceptedDrafts, Is.InRange(1, stats.VerifiedDrafts));
            Assert.That(
                seen.Average(value => value * value),
                Is.InRange(0.01, 1.0),
                "each row's square is 1 on average"
            );
        }
    }

    [Test]
    public void A_model_that_skips_nothing_drafts_every_token_rightly()
    {
        using var decoder = Loader(1).LoadSkipping(_ => new bool[32]);
        var (_, stats) = Decode(decoder, temperature: 1);

        Assert.That(stats.AcceptedDrafts, Is.EqualTo(stats.VerifiedDrafts).And.GreaterThan(10));
    }

    [Test]
    public void An_exit_inside_a_stage_cuts_it_and_one_between_stages_does_not()
    {
        var plan = StagePlan.FromCounts([4, 6, 6], 16);
        var inside = RivalCut.Of(plan, [6]);
        var between = RivalCut.Of(plan, [4, 12]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(inside.Layers.Select(range => range.Count), Is.EqualTo([4, 2, 4, 6]));
            Assert.That(inside.Devices, Is.EqualTo([0, 1, 1, 2]));
            Assert.That(inside.ExitStages, Is.EqualTo([1]));
            Assert.That(between.Layers.Select(range => range.Count), Is.EqualTo([4, 6, 2, 4]));
            Assert.That(between.ExitStages, Is.EqualTo([0, 2]));
        }
    }

    private static RivalLoader Loader(int stages) =>
        new(_assets, StagePlan.Even(_assets.Config.LayerCount, stages), _cpu, 200, TimeProvider.System);

    private static (IReadOnlyList<int> Tokens, SessionStats Stats) Decode(
        Ppsd.Actors.Rivals.BlockDecoder decoder,
        float temperature
    )
    {
        var request = TextGenerator.Request(
            _assets,
            _assets.Tokenizer.Encode("USER: How many legs do 3 cats have? ASSISTANT:"),
            new GenerationSettings
            {
                Drafts = DraftSources.None,
                Sampling = new SamplingSettings { Temperature = temperature, Seed = 7 },
                MaxTokens = 48,
                IgnoreEndTokens = true,
            }
        );
        var events = decoder.Decode(request, () => false).ToList();
        return (
            [
                .. events
                    .OfType<TokensGenerated>()
                    .SelectMany(generated => generated.Tokens)
                    .Select(token => token.Value),
            ],
            events.OfType<GenerationEnded>().Single().Stats
        );
    }
}
