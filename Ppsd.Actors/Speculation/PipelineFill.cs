using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// How many micro-batches fill a pipeline: as many as its stages can work on at once, and over slow links those on their
/// way as well: the shortest recent round trip over the time between two micro-batches. Pure; one owner.
/// </summary>
/// <param name="parallelStages">Stages that can work at the same time.</param>
/// <param name="costs">Measured costs; round trips mean nothing where there are none.</param>
internal sealed class PipelineFill(int parallelStages, PipelineCosts costs)
{
    /// <summary>Most micro-batches; more would only wait.</summary>
    private const int Most = 64;

    /// <summary>Entries that may wait for their verdicts.</summary>
    private const int Entries = 2 * Most;

    /// <summary>Round trips remembered.</summary>
    private const int Memory = 32;

    /// <summary>A round trip longer than this many times the stages' own work is a matter of links.</summary>
    private const double SlowLink = 1.5;

    private readonly Queue<double> _roundTrips = [];
    private readonly double _oneThroughMs = costs.ThroughMs(rows: 1, draftRows: 1, depth: 1);
    private readonly double _oneCycleMs = costs.CycleMs(rows: 1, draftRows: 1, depth: 1);
    private int _overLinks;
    private readonly List<(SessionId Session, CandidateId First, int Rows, double Ms)> _entered = [];

    /// <summary>Micro-batches that fill the pipeline.</summary>
    public int MicroBatches => _overLinks > 0 ? _overLinks : parallelStages;

    /// <summary>Candidates have entered.</summary>
    /// <param name="first">The first that needs a successor.</param>
    /// <param name="rows">Rows of the micro-batch.</param>
    public void NoteEntry(SessionId session, CandidateId first, int rows, double ms)
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

        _entered.Add((session, first, rows, ms));
    }

    /// <summary>Their verdicts have come.</summary>
    /// <param name="first">The first that they are about.</param>
    public void NoteVerdicts(SessionId session, CandidateId first, double ms)
    {
        var at = _entered.FindIndex(entry => entry.Session == session && entry.First == first);
        if (at >= 0)
        {
            var (_, _, rows, entered) = _entered[at];
            _entered.RemoveAt(at);

            // The time that the stages took for its rows says nothing about the links.
            var rowsMs = rows == 1 ? 0 : costs.ThroughMs(rows, rows, depth: 1) - _oneThroughMs;
            NoteRoundTrip(ms - entered - rowsMs);
        }
    }

    private void NoteRoundTrip(double roundTripMs)
    {
        _roundTrips.Enqueue(roundTripMs);
        if (_roundTrips.Count > Memory)
        {
            _roundTrips.Dequeue();
        }

        // The shortest: others have waited behind one another.
        var shortest = _roundTrips.Min();
        var onLinks = shortest - SlowLink * _oneThroughMs;
        _overLinks = onLinks > 0 ? (int)Math.Clamp(Math.Ceiling(shortest / _oneCycleMs), parallelStages, Most) : 0;
    }
}
