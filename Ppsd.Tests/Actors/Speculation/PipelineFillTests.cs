using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>How many micro-batches fill a pipeline of four stages of 2 ms each.</summary>
public sealed class PipelineFillTests
{
    private static readonly SessionId _session = SessionId.Create(new PipelineEpoch(1), 0);

    [TestCase(0.4, ExpectedResult = 4, TestName = "The_stages_on_fast_links")]
    [TestCase(3.5, ExpectedResult = 4, TestName = "The_stages_where_a_machine_is_busy")]
    [TestCase(32, ExpectedResult = 20, TestName = "Those_on_their_way_too_on_slow_links")]
    [TestCase(4000, ExpectedResult = 64, TestName = "No_more_than_64_however_slow_the_links_are")]
    public int Fills_the_pipeline(double linkMs)
    {
        var fill = Fill(stepMs: 2);
        Pass(fill, 0, linkMs);
        return fill.MicroBatches;
    }

    [Test]
    public void The_shortest_recent_round_trip_counts()
    {
        var fill = Fill(stepMs: 2);
        Pass(fill, 0, 400);
        Pass(fill, 1, 32);
        Pass(fill, 2, 400);

        Assert.That(fill.MicroBatches, Is.EqualTo(20));
    }

    [Test]
    public void Without_costs_it_is_the_stages()
    {
        var fill = Fill(stepMs: 0);
        Pass(fill, 0, 400);

        Assert.That(fill.MicroBatches, Is.EqualTo(4));
    }

    [Test]
    public void Verdicts_of_unknown_candidates_say_nothing()
    {
        var fill = Fill(stepMs: 2);
        fill.NoteEntry(_session, new CandidateId(1), ms: 0);
        fill.NoteVerdicts(_session, new CandidateId(2), ms: 400, stageMs: 8);

        Assert.That(fill.MicroBatches, Is.EqualTo(4));
    }

    /// <summary>A full pipeline makes micro-batches wait; taken for slow links, waits would call for more of them.</summary>
    [Test]
    public void Waits_at_stages_are_no_slow_link()
    {
        var fill = Fill(stepMs: 2);
        Pass(fill, 0, linkMs: 0.4, stageMs: 400);

        Assert.That(fill.MicroBatches, Is.EqualTo(4));
    }

    private static void Pass(PipelineFill fill, int candidate, double linkMs, double stageMs = 8)
    {
        fill.NoteEntry(_session, new CandidateId(candidate), ms: 1000);
        fill.NoteVerdicts(_session, new CandidateId(candidate), ms: 1000 + stageMs + linkMs, stageMs);
    }

    private static PipelineFill Fill(double stepMs) =>
        new(
            parallelStages: 4,
            new PipelineCosts(
                [.. Enumerable.Range(0, 4).Select(_ => new RowCosts(stepMs, RowMs: 0))],
                HeadStage: 0,
                ParallelStages: 4
            )
        );
}
