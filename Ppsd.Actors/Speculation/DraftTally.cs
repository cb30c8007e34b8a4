using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>Counts of one session's drafts and runs by outcome. Pure; the draft stage's thread owns it.</summary>
internal sealed class DraftTally
{
    private readonly List<int> _endedRuns = [];
    private readonly SortedDictionary<(DraftSource Source, int Step), Outcomes> _sources = [];
    private int _acceptedInRun;

    /// <summary>
    /// Drafts that got a verdict. Siblings at one position count once, because the position is judged once.
    /// </summary>
    public int Verified { get; private set; }

    /// <summary>Drafts a verdict confirmed.</summary>
    public int Accepted { get; private set; }

    /// <summary>Drafts that died in flight, unjudged.</summary>
    public int Cancelled { get; private set; }

    /// <summary>Runs ended by a rejection.</summary>
    public int Rollbacks { get; private set; }

    /// <summary>Runs started again after a loss.</summary>
    public int Restarts { get; private set; }

    /// <summary>Micro-batches with rows of the session, those of its prompt aside.</summary>
    public int Cycles { get; private set; }

    /// <summary>Its rows in them.</summary>
    public int Rows { get; private set; }

    /// <summary>
    /// Runs by the drafts accepted in them: entry j is the number of runs that accepted exactly j. The current run is
    /// included.
    /// </summary>
    public int[] AcceptanceHistogram()
    {
        var histogram = new int[Math.Max(_endedRuns.Count, _acceptedInRun + 1)];
        _endedRuns.CopyTo(histogram);
        histogram[_acceptedInRun]++;
        return histogram;
    }

    /// <summary>A position with drafts got its verdict.</summary>
    /// <param name="isConfirmed">True when one of them was right.</param>
    public void Judge(bool isConfirmed)
    {
        Verified++;
        if (isConfirmed)
        {
            Accepted++;
            _acceptedInRun++;
        }
    }

    /// <summary>Rows have entered with a micro-batch.</summary>
    public void Enter(int rows)
    {
        Cycles++;
        Rows += rows;
    }

    /// <summary>Judged drafts by the source and step that they entered for.</summary>
    public DraftSourceFigures[] Sources =>
        [
            .. _sources.Select(entry => new DraftSourceFigures(
                entry.Key.Source,
                entry.Key.Step,
                entry.Value.Judged,
                entry.Value.Accepted
            )
            {
                Places = entry.Value.Places,
            }),
        ];

    /// <summary>One draft of the position that <see cref="Judge(bool)"/> has counted last.</summary>
    public void Judge(DraftSource source, int step, bool isConfirmed)
    {
        var before = _sources.GetValueOrDefault((source, step));
        _sources[(source, step)] = new Outcomes(
            before.Judged + 1,
            before.Accepted + (isConfirmed ? 1 : 0),
            before.Places + (before.LastPlace == Verified ? 0 : 1),
            Verified
        );
    }

    /// <summary>Drafts died unjudged.</summary>
    public void Cancel(int count) => Cancelled += count;

    /// <summary>A rejection ended the run.</summary>
    public void Reject()
    {
        Rollbacks++;
        EndRun();
    }

    /// <summary>A loss ended the run.</summary>
    public void Restart()
    {
        Restarts++;
        EndRun();
    }

    private void EndRun()
    {
        while (_endedRuns.Count <= _acceptedInRun)
        {
            _endedRuns.Add(0);
        }

        _endedRuns[_acceptedInRun]++;
        _acceptedInRun = 0;
    }

    /// <summary>What became of one source's drafts for one of its steps.</summary>
    /// <param name="Judged">Drafts, siblings one by one.</param>
    /// <param name="Accepted">Those that were right.</param>
    /// <param name="Places">Positions that had some of them.</param>
    /// <param name="LastPlace">The last of these, counted by <see cref="Verified"/>.</param>
    private readonly record struct Outcomes(int Judged, int Accepted, int Places, int LastPlace);
}
