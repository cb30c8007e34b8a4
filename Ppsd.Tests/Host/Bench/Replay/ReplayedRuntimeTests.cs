using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Stages;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Host.Bench.Replay;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Bench.Replay;

/// <summary>Drafts of a recorded text: as good as a benchmark wants them, and the text stays the model's own.</summary>
public sealed class ReplayedRuntimeTests
{
    private const int Length = 400;
    private const int Stages = 3;
    private readonly ToyModel _model = new(50);

    [TestCase(0, 1)]
    [TestCase(0.5, 1)]
    [TestCase(0.85, 3)]
    [TestCase(1, 3)]
    public void Drafts_are_right_at_the_rate_that_is_asked_for(double acceptance, int depth)
    {
        var texts = new ReplayedTexts(acceptance);
        var request = ToyPipeline.Request([1, 2, 3], Length, maxWidth: depth > 1 ? 4 : 1);
        using var pipeline = Pipeline(texts, depth);
        var plain = pipeline.Decode(request with { Drafts = DraftSources.None });
        texts.Note([1, 2, 3], plain.TokenIds);

        var drafted = pipeline.Decode(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(drafted.TokenIds, Is.EqualTo(plain.TokenIds));
            Assert.That(drafted.Stats.AcceptanceRate, Is.EqualTo(acceptance).Within(0.06));
        }
    }

    [Test]
    public void A_text_that_nobody_recorded_gets_no_right_draft_by_more_than_chance()
    {
        using var pipeline = Pipeline(new ReplayedTexts(1), depth: 1);

        Assert.That(pipeline.Decode(ToyPipeline.Request([4], Length)).Stats.AcceptanceRate, Is.LessThan(0.1));
    }

    private LockStepPipeline Pipeline(ReplayedTexts texts, int depth) =>
        new(
            [
                .. Enumerable
                    .Range(0, Stages)
                    .Select(stage =>
                        (IStageRuntime)
                            new ReplayedRuntime(
                                new ToyRuntime(
                                    _model,
                                    stage,
                                    Stages,
                                    stage == 0 ? ToyDrafters.AlwaysWrong : null,
                                    draftDepth: depth
                                ),
                                texts
                            )
                    ),
            ],
            new PipelineOptions()
        );
}
