using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Devices.Ilgpu.Step;

/// <summary>
/// Parts of steps that were recorded once, one recording for each shape, and are replayed from then on. Pure: the caller
/// decides what a recording is.
/// </summary>
/// <param name="record">
/// Records what operations queue instead of running it; null when they queue nothing, since a driver refuses to replay that.
/// </param>
/// <param name="capacity">
/// Most recordings kept. A shape that is not recorded yet costs a millisecond once; many sessions of many lengths must not
/// pile up recordings.
/// </param>
internal sealed class StepRecordings(Func<Action, IStepRecording?> record, int capacity = 512)
{
    private readonly Dictionary<StepKey, IStepRecording?> _recordings = [];
    private readonly HashSet<StepKey> _seen = [];

    /// <summary>Queues a part of a step: replays it if this shape was recorded, records it if it may be.</summary>
    /// <param name="operations">Queues the operations one by one.</param>
    public void Run(in StepKey key, Action operations)
    {
        // The first run with some rows, whatever their contexts, may load kernels, which a recording must not.
        if (_seen.Add(key with { ContextBucket = 0, RowsTogether = 0 }))
        {
            operations();
            return;
        }

        if (!_recordings.TryGetValue(key, out var recording))
        {
            if (_recordings.Count == capacity)
            {
                Forget();
            }

            recording = record(operations);
            _recordings.Add(key, recording);
        }

        recording?.Launch();
    }

    /// <summary>Drops all recordings; none may be at work.</summary>
    public void Forget()
    {
        foreach (var recording in _recordings.Values)
        {
            recording?.Dispose();
        }

        _recordings.Clear();
    }
}

/// <summary>What distinguishes recordings of a part of a step.</summary>
/// <param name="Rows">Rows of the step.</param>
/// <param name="FirstRow">First row treated apart.</param>
/// <param name="ContextBucket">Context length the launch has room for, in tokens.</param>
/// <param name="HasFilters">True when a head's draws exclude tokens, which takes a kernel more.</param>
/// <param name="Depth">Steps that a chain drafts.</param>
/// <param name="Head">Which of the stage's exit heads the part is.</param>
/// <param name="RowsTogether">Rows that attention takes together.</param>
/// <param name="IsPrompt">True when all rows are one prompt's, for which attention has kernels of its own.</param>
internal readonly record struct StepKey(
    StepPart Part,
    int Rows,
    int FirstRow,
    int ContextBucket,
    bool HasFilters,
    int Depth = 1,
    int Head = 0,
    int RowsTogether = 1,
    bool IsPrompt = false
);
