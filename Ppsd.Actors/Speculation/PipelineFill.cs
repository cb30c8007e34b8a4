using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// How many micro-batches fill a pipeline: as many as its stages can work on at once, and over slow links those on their
/// way as well. Pure; one owner.
/// </summary>
/// <remarks>
/// What counts is the time on links: of a round trip the part that no stage had the micro-batch. Waits at stages say that the
/// pipeline is full, and more micro-batches would make them longer still.
/// </remarks>
/// <param name="parallelStages">Stages that can work at the same time.</param>
/// <param name="costs">Measured costs; times mean nothing where there are none.</param>
internal sealed class PipelineFill(int parallelStages, PipelineCosts costs)
{
    /// <summary>Most micro-batches; more would only wait.</summary>
    private const int Most = 64;

    /// <summary>Entries that may wait for their verdicts.</summary>
    private const int Entries = 2 * Most;

    /// <summary>Round trips remembered.</summary>
    private const int Memory = 32;

    /// <summary>Links that take this share of the stages' own work are slow.</summary>
    private const double SlowLink = 0.5;

    private readonly double _throughMs = costs.ThroughMs(rows: 1, draftRows: 1, depth: 1);
    private readonly double _cycleMs = costs.CycleMs(rows: 1, draftRows: 1, depth: 1);
    private readonly Queue<double> _linkMs = [];
    private readonly List<(SessionId Session, CandidateId First, double Ms)> _entered = [];
    private int _overLinks;

    /// <summary>Micro-batches that fill the pipeline.</summary>
    public int MicroBatches => _overLinks > 0 ? _overLinks : parallelStages;

    /// <summary>Candidates have entered.</summary>
    /// <param name="first">The first that needs a successor.</param>
    public void NoteEntry(SessionId session, CandidateId first, double ms)
    {
        if (!costs.IsMeasured)
        {
            return;
        }

        if (_entered.Count == Entries)
        {
            // Of micro-batches that died.
            _entered.RemoveAt(0);
        }

        _entered.Add((session, first, ms));
    }

    /// <summary>Their verdicts have come.</summary>
    /// <param name="first">The first that they are about.</param>
    /// <param name="stageMs">Milliseconds in which a stage had their micro-batch.</param>
    public void NoteVerdicts(SessionId session, CandidateId first, double ms, double stageMs)
    {
        for (var i = 0; i < _entered.Count; i++)
        {
            if (_entered[i].Session == session && _entered[i].First == first)
            {
                NoteLinks(ms - _entered[i].Ms - stageMs);
                _entered.RemoveAt(i);
                return;
            }
        }
    }

    private void NoteLinks(double linkMs)
    {
        _linkMs.Enqueue(linkMs);
        if (_linkMs.Count > Memory)
        {
            _linkMs.Dequeue();
        }

        // The shortest: a busy machine wakes a thread late.
        var shortest = _linkMs.Min();
        _overLinks =
            shortest > SlowLink * _throughMs
                ? (int)Math.Clamp(Math.Ceiling((_throughMs + shortest) / _cycleMs), parallelStages, Most)
                : 0;
    }
}
