using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>How many micro-batches fill a pipeline of four stages of 2 ms each.</summary>
public sealed class PipelineFillTests
{
    private static readonly SessionId _session = SessionId.Create(new PipelineEpoch(1), 0);

    [TestCase(8, ExpectedResult = 4, TestName = "The_stages_on_fast_links")]
    [TestCase(11.5, ExpectedResult = 4, TestName = "The_stages_where_a_machine_is_busy")]
    [TestCase(40, ExpectedResult = 20, TestName = "Those_on_their_way_too_on_slow_links")]
    [TestCase(4000, ExpectedResult = 64, TestName = "No_more_than_64_however_slow_the_links_are")]
    public int Fills_the_pipeline(double roundTripMs)
    {
        var fill = Fill(stepMs: 2);
        Pass(fill, 0, roundTripMs);
        return fill.MicroBatches;
    }

    [Test]
    public void The_shortest_recent_round_trip_counts()
    {
        var fill = Fill(stepMs: 2);
        Pass(fill, 0, 400);
        Pass(fill, 1, 40);
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
        fill.NoteEntry(_session, new CandidateId(1), rows: 1, ms: 0);
        fill.NoteVerdicts(_session, new CandidateId(2), ms: 400);

        Assert.That(fill.MicroBatches, Is.EqualTo(4));
    }

    /// <summary>Eight candidates take each stage 9 ms in place of 2.</summary>
    [TestCase(1, ExpectedResult = 18)]
    [TestCase(8, ExpectedResult = 4)]
    public int Rows_that_are_dear_are_no_slow_link(int rows)
    {
        var fill = Fill(stepMs: 2, rowMs: 1);
        Pass(fill, 0, 36, rows);
        return fill.MicroBatches;
    }

    private static void Pass(PipelineFill fill, int candidate, double roundTripMs, int rows = 1)
    {
        fill.NoteEntry(_session, new CandidateId(candidate), rows, ms: 1000);
        fill.NoteVerdicts(_session, new CandidateId(candidate), ms: 1000 + roundTripMs);
    }

    private static PipelineFill Fill(double stepMs, double rowMs = 0) =>
        new(
            parallelStages: 4,
            new PipelineCosts(
                [.. Enumerable.Range(0, 4).Select(_ => new RowCosts(stepMs, rowMs))],
                HeadStage: 0,
                ParallelStages: 4
            )
        );
}
