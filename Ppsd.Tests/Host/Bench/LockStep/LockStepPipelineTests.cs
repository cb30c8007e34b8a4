using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Stages;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Bench.LockStep;

/// <summary>Cycles are counted, not timed: on toys they can be worked out by hand.</summary>
public sealed class LockStepPipelineTests
{
    private const int Length = 41;
    private readonly ToyModel _model = new(6);

    [TestCase(1, ExpectedResult = 1)]
    [TestCase(4, ExpectedResult = 4)]
    public double Plain_decoding_takes_a_cycle_of_every_stage_for_each_token(int stages) =>
        CyclesPerToken(Decode(stages, ToyDrafters.AlwaysRight, DraftSources.None));

    [TestCase(1, ExpectedResult = 1)]
    [TestCase(4, ExpectedResult = 1)]
    public double Drafts_that_are_right_bring_a_token_each_cycle(int stages) =>
        CyclesPerToken(Decode(stages, ToyDrafters.AlwaysRight, DraftSources.ExitHead));

    [Test]
    public void Drafts_that_are_wrong_cost_no_cycle() =>
        Assert.That(
            CyclesPerToken(Decode(4, ToyDrafters.AlwaysWrong, DraftSources.ExitHead, width: 4, depth: 3)),
            Is.AtMost(4)
        );

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(4)]
    public void A_chain_that_is_right_brings_as_many_tokens_a_cycle_as_it_has_steps(int stages)
    {
        var text = Decode(stages, ToyDrafters.AlwaysRight, DraftSources.ExitHead, width: 4, depth: 4);

        Assert.That(CyclesPerToken(text), Is.EqualTo(0.25).Within(0.06));
    }

    [Test]
    public void One_stage_does_not_draft_where_there_is_no_room_beside_a_verified_token() =>
        Assert.That(
            CyclesPerToken(
                Decode(
                    1,
                    (_, _, _) => throw new AssertionException("drafted in vain"),
                    DraftSources.ExitHead,
                    width: 1,
                    depth: 4
                )
            ),
            Is.EqualTo(1)
        );

    [Test]
    public void N_grams_alone_save_cycles_where_the_text_repeats()
    {
        var text = Decode(4, drafter: null, DraftSources.NGrams, width: 8);

        Assert.That(CyclesPerToken(text), Is.LessThan(3));
    }

    [Test]
    public void The_same_run_gives_the_same_figures()
    {
        var texts = Enumerable
            .Range(0, 2)
            .Select(_ => Decode(3, ToyDrafters.Mostly, DraftSources.ExitHead | DraftSources.NGrams, width: 5, depth: 3))
            .ToList();

        Assert.That(
            (texts[0].Cycles, texts[0].Rows, texts[0].Stats.AcceptedDrafts),
            Is.EqualTo((texts[1].Cycles, texts[1].Rows, texts[1].Stats.AcceptedDrafts))
        );
    }

    private LockStepText Decode(int stages, ToyDrafter? drafter, DraftSources drafts, int width = 1, int depth = 1)
    {
        using var pipeline = new LockStepPipeline(
            [
                .. Enumerable
                    .Range(0, stages)
                    .Select(stage =>
                        (IStageRuntime)
                            new ToyRuntime(_model, stage, stages, stage == 0 ? drafter : null, draftDepth: depth)
                    ),
            ],
            new PipelineOptions()
        );
        var request = ToyPipeline.Request([1, 2, 3], Length, drafts, maxWidth: width);
        var text = pipeline.Decode(request);
        var expected = _model.Generate(request.Prompt, Length, SamplingSettings.Greedy);
        Assert.That(text.TokenIds, Is.EqualTo(expected.Select(token => token.Value)));
        return text;
    }

    private static double CyclesPerToken(LockStepText text) => (double)text.Cycles / (Length - 1);
}
