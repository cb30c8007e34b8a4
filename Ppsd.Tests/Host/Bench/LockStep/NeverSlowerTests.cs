using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Host.Bench.Replay;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Bench.LockStep;

/// <summary>Drafts by measured costs: they pay or they stay away, whatever rows and heads cost and however many sessions there are.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class NeverSlowerTests
{
    private const int Length = 120;
    private const double StepMs = 4;

    /// <summary>What little a session's first tries may cost before its acceptance is known.</summary>
    private const double Tolerance = 0.97;

    private readonly ToyModel _model = new(50);

    /// <param name="stages">Stages, each of 4 ms.</param>
    /// <param name="row">What a further row costs, as a share of a step.</param>
    /// <param name="head">What the exit head and each step of its chain cost, as a share of a step.</param>
    /// <param name="acceptance">Share of drafts that are right.</param>
    /// <param name="sessions">Sessions at a time.</param>
    [Test]
    [Pairwise]
    public void Drafts_never_make_decoding_slower(
        [Values(1, 2, 4)] int stages,
        [Values(0.01, 0.2, 0.8)] double row,
        [Values(0.02, 0.1, 0.4)] double head,
        [Values(0.3, 0.6, 0.85, 0.97)] double acceptance,
        [Values(1, 2, 4, 8, 16, 32)] int sessions
    )
    {
        var (drafted, plain) = Measure(Costs(stages, row, head), acceptance, sessions);

        Assert.That(plain / drafted, Is.AtLeast(Tolerance), $"{plain:0} ms without, {drafted:0} ms with drafts");
    }

    /// <summary>A card's costs: drafts gain with as many sessions as stages too, where nothing would idle without them.</summary>
    [TestCase(1, 1, 1.6)]
    [TestCase(1, 2, 1.6)]
    [TestCase(2, 1, 2.4)]
    [TestCase(2, 2, 1.7)]
    [TestCase(4, 3, 1.7)]
    public void Good_drafts_gain_where_rows_are_cheap(int stages, int sessions, double gain)
    {
        var (drafted, plain) = Measure(Costs(stages, row: 0.01, head: 0.08), acceptance: 0.85, sessions);

        Assert.That(plain / drafted, Is.AtLeast(gain));
    }

    private (double Drafted, double Plain) Measure(PipelineCosts costs, double acceptance, int sessions)
    {
        var texts = new ReplayedTexts(acceptance);
        using var pipeline = Pipeline(costs, texts);
        var requests = Enumerable
            .Range(0, sessions)
            .Select(session => ToyPipeline.Request([session, 1, 2], Length, DraftSources.ExitHead, maxWidth: 8))
            .ToList();
        var started = pipeline.Now;
        var plain = pipeline.Decode([.. requests.Select(request => request with { Drafts = DraftSources.None })]);
        var plainMs = pipeline.Now - started;
        foreach (var (request, text) in requests.Zip(plain))
        {
            texts.Note([.. request.Prompt.Select(token => token.Value)], text.TokenIds);
        }

        started = pipeline.Now;
        var drafted = pipeline.Decode(requests);
        Assert.That(drafted.Select(text => text.TokenIds), Is.EqualTo(plain.Select(text => text.TokenIds)));
        return (pipeline.Now - started, plainMs);
    }

    private LockStepPipeline Pipeline(PipelineCosts costs, ReplayedTexts texts) =>
        new(
            [
                .. costs.Stages.Select(
                    (_, stage) =>
                        (IStageRuntime)
                            new ReplayedRuntime(
                                new ToyRuntime(
                                    _model,
                                    stage,
                                    costs.Stages.Count,
                                    stage == 0 ? ToyDrafters.AlwaysWrong : null,
                                    pageCount: 20_000,
                                    maxRows: 64,
                                    draftDepth: 4
                                ),
                                texts
                            )
                ),
            ],
            new PipelineOptions(),
            costs
        )
        {
            Times = costs,
        };

    private static PipelineCosts Costs(int stages, double row, double head) =>
        new(
            [
                .. Enumerable
                    .Range(0, stages)
                    .Select(stage => new RowCosts(StepMs, row * StepMs)
                    {
                        Width = 8,
                        WideRowMs = Math.Max(row, 0.08) * StepMs,
                        EnterMs = stage == 0 ? head * StepMs / 2 : 0,
                        HeadMs = stage == 0 ? head * StepMs : 0,
                        ChainMs = stage == 0 ? head * StepMs : 0,
                        HeadRowMs = stage == 0 ? row * head * StepMs : 0,
                        ChainRowMs = stage == 0 ? row * head * StepMs : 0,
                    }),
            ],
            HeadStage: 0,
            stages
        );
}
