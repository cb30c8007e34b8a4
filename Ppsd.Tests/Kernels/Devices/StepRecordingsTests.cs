using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>When parts of steps are run, recorded and replayed.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StepRecordingsTests
{
    [Test]
    public void A_part_runs_once_is_recorded_then_and_only_replayed_from_then_on()
    {
        var log = new List<string>();
        var recordings = Recordings(log);
        for (var step = 0; step < 4; step++)
        {
            recordings.Run(Key(rows: 1), () => log.Add("layers"));
        }

        Assert.That(log, Is.EqualTo(new[] { "layers", "record", "layers", "launch 1", "launch 1", "launch 1" }));
    }

    [Test]
    public void A_part_that_queues_nothing_is_neither_replayed_nor_recorded_again()
    {
        var log = new List<string>();
        var recordings = Recordings(log);
        for (var step = 0; step < 4; step++)
        {
            recordings.Run(Key(rows: 2), () => { });
        }

        recordings.Forget();

        Assert.That(log, Is.EqualTo(new[] { "record" }));
    }

    [Test]
    public void When_there_are_too_many_all_are_dropped_and_recorded_anew()
    {
        var log = new List<string>();
        var recordings = Recordings(log, capacity: 2);
        for (var rows = 1; rows <= 3; rows++)
        {
            recordings.Run(Key(rows), () => log.Add("layers"));
            recordings.Run(Key(rows), () => log.Add("layers"));
        }

        Assert.That(log.Where(entry => entry.StartsWith("drop")), Is.EqualTo(new[] { "drop 1", "drop 2" }));
        log.Clear();
        recordings.Run(Key(rows: 1), () => log.Add("layers"));
        Assert.That(log, Is.EqualTo(new[] { "record", "layers", "launch 4" }));
    }

    [Test]
    public void What_fails_while_it_is_recorded_leaves_no_recording()
    {
        var log = new List<string>();
        var recordings = Recordings(log);
        recordings.Run(Key(rows: 1), () => { });

        Assert.That(
            () => recordings.Run(Key(rows: 1), () => throw new DeviceException("refused")),
            Throws.TypeOf<DeviceException>()
        );
        recordings.Run(Key(rows: 1), () => log.Add("layers"));
        Assert.That(log, Is.EqualTo(new[] { "record", "record", "layers", "launch 1" }));
    }

    private static StepKey Key(int rows) => new(StepPart.ExitHead, rows, 0, 64, HasFilters: false);

    private static StepRecordings Recordings(List<string> log, int capacity = 512)
    {
        var count = 0;
        return new(
            operations =>
            {
                log.Add("record");
                var before = log.Count;
                operations();
                return log.Count == before ? null : new Recording(log, ++count);
            },
            capacity
        );
    }

    private sealed class Recording(List<string> log, int number) : IStepRecording
    {
        public void Launch() => log.Add($"launch {number}");

        public void Dispose() => log.Add($"drop {number}");
    }
}
