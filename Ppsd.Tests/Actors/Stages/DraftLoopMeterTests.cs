using Ppsd.Actors.Stages;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Actors.Stages;

public sealed class DraftLoopMeterTests
{
    private readonly ManualClock _clock = new();
    private double _deviceMs;

    [Test]
    public void A_cycle_is_from_a_micro_batch_to_the_drafts_that_follow_it_at_once()
    {
        var meter = new DraftLoopMeter(_clock);
        Step(meter, candidate: 5, certain: true, stepMicroseconds: 1000, deviceMs: 0.9);
        _clock.Advance(20);
        Step(meter, candidate: 6, certain: false, stepMicroseconds: 1010, deviceMs: 0.95);
        _clock.Advance(30);
        Step(meter, candidate: 7, certain: false, stepMicroseconds: 500, deviceMs: 0.4);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(meter.Cycles, Is.EqualTo(2));
            Assert.That(meter.CycleMs, Is.EqualTo(1.020 + 1.040).Within(1e-9));
            Assert.That(meter.CycleDeviceMs, Is.EqualTo(0.9 + 0.95).Within(1e-9));
        }
    }

    [Test]
    public void Waiting_a_new_run_another_session_and_abandoned_work_are_no_cycles()
    {
        var meter = new DraftLoopMeter(_clock);
        Step(meter, candidate: 1, certain: true, stepMicroseconds: 10, deviceMs: 0);
        meter.Wait();
        Step(meter, candidate: 2, certain: false, stepMicroseconds: 10, deviceMs: 0);
        Step(meter, candidate: 3, certain: false, stepMicroseconds: 10, deviceMs: 0, run: 1);
        Step(meter, candidate: 4, certain: false, stepMicroseconds: 10, deviceMs: 0, run: 1, session: 2);
        Step(meter, candidate: 5, certain: false, stepMicroseconds: 10, deviceMs: 0, completes: false);
        Step(meter, candidate: 6, certain: false, stepMicroseconds: 10, deviceMs: 0);

        Assert.That(meter.Cycles, Is.Zero);
    }

    [Test]
    public void A_rejection_lasts_until_its_own_session_begins_again()
    {
        var meter = new DraftLoopMeter(_clock);
        _clock.Advance(100);
        meter.Reject(TestBatches.Session(1), _clock.GetTimestamp() - 40);
        Step(meter, candidate: 3, certain: false, stepMicroseconds: 10, deviceMs: 0, session: 2);
        Step(meter, candidate: 4, certain: true, stepMicroseconds: 10, deviceMs: 0, run: 1);
        Step(meter, candidate: 5, certain: false, stepMicroseconds: 10, deviceMs: 0, run: 1);

        Assert.That(meter.Rejections, Is.EqualTo(1));
        Assert.That(meter.RejectionMs, Is.EqualTo(0.050).Within(1e-9));
    }

    private void Step(
        DraftLoopMeter meter,
        int candidate,
        bool certain,
        long stepMicroseconds,
        double deviceMs,
        int run = 0,
        int session = 1,
        bool completes = true
    )
    {
        meter.Begin(TestBatches.Item(session, candidate, certain, run).Batch);
        meter.NoteDevice(_deviceMs);
        _clock.Advance(stepMicroseconds);
        _deviceMs += deviceMs;
        meter.End(completes);
    }
}
