using System.Diagnostics;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Telemetry;

namespace Ppsd.Actors.Stages;

/// <summary>
/// The sessions a stage has open, and what it takes to make a micro-batch's parts rows of a step: open the session,
/// start its new run or commit what is verified, append. Each part carries all that is needed for this, even if earlier
/// messages were lost. Used by the stage's thread.
/// </summary>
/// <param name="runtime">The stage's device.</param>
/// <param name="board">Dead runs and branches.</param>
/// <param name="onGap">Told of a part that something lost keeps from being placed.</param>
/// <param name="onFault">Told of a session the stage has no room for.</param>
/// <param name="memory">For hidden states that are sent; null to keep nothing of a session whose pipeline is gone.</param>
internal sealed class StageSessions(
    StageIndex stage,
    IStageRuntime runtime,
    CancelBoard board,
    Action<BatchPart> onGap,
    Action<SessionId, string> onFault,
    RowMemory? memory = null
)
{
    private readonly Dictionary<SessionId, OpenSession> _open = [];
    private readonly ParkedSessions _parked = new(runtime);

    /// <summary>Sessions open.</summary>
    public int Count => _open.Count;

    /// <summary>Sessions of earlier pipelines that are kept.</summary>
    public int ParkedCount => _parked.Count;

    /// <summary>Hidden states that an open session has sent; null where none are kept.</summary>
    public SentRows? RowsOf(SessionId session) => _open.GetValueOrDefault(session)?.Rows;

    /// <summary>Settings of an open session.</summary>
    public SessionSettings SettingsOf(SessionId session) => _open[session].Settings;

    /// <summary>Settings of a session, if it is open.</summary>
    public SessionSettings? Find(SessionId session) => _open.GetValueOrDefault(session)?.Settings;

    /// <summary>Makes the parts rows of a new step; those that cannot be placed are left out, null when none can.</summary>
    public WorkItem? Place(WorkItem item)
    {
        runtime.BeginStep();
        List<BatchPart?>? placed = null;
        var parts = item.Batch.Parts;
        for (var i = 0; i < parts.Length; i++)
        {
            var part = TryPlace(parts[i]) ? parts[i] : null;
            if (part is null)
            {
                placed ??= [.. parts[..i]];
            }

            placed?.Add(part);
        }

        return placed is null ? item : BatchCut.Keep(item, placed);
    }

    /// <summary>A step has run: tokens that were certain when they entered have keys and values now.</summary>
    public void NoteComputed(MicroBatch batch)
    {
        foreach (var part in batch.Parts)
        {
            _open[part.Session].NoteComputed(part);
        }
    }

    /// <summary>Closes a session, open or kept, and frees its pages.</summary>
    public void Release(SessionId session)
    {
        if (_open.Remove(session, out var open))
        {
            open.Close();
        }

        _parked.Drop(session);
        runtime.Release(session);
    }

    /// <summary>
    /// The pipeline is gone: closes all, and keeps what is verified of each for the session that goes on with its text, where the
    /// stage has a budget for that.
    /// </summary>
    public void Park()
    {
        foreach (var (session, open) in _open)
        {
            board.End(session);
            if (memory is null || open.Verified.Length == 0)
            {
                open.Close();
                runtime.Release(session);
            }
            else
            {
                open.Span?.Dispose();
                open.Rows?.Commit(open.Verified);
                _parked.Park(session, open.Settings, open.Verified.Length, open.HeadLength, open.Rows);
            }
        }

        _open.Clear();
    }

    /// <summary>Says what is kept of a text.</summary>
    public KeptFound Find(FindKept find) => _parked.Find(find, stage);

    /// <summary>Nobody goes on with what no session of a pipeline has asked for.</summary>
    public void DropUnclaimed(PipelineEpoch pipeline) => _parked.DropUnclaimed(pipeline);

    private bool TryPlace(BatchPart part)
    {
        // Candidates enter in order and once, so one that is not newer than the last has been here before.
        if (_open.TryGetValue(part.Session, out var known) && part.Candidates[0].Value <= known.LastCandidate.Value)
        {
            return false;
        }

        try
        {
            if (TryAlign(part) && runtime.TryAppend(part))
            {
                _open[part.Session].LastCandidate = part.Candidates[^1];
                return true;
            }
        }
        catch (StageCapacityException e)
        {
            onFault(part.Session, e.Message);
            return false;
        }

        if (_open.TryGetValue(part.Session, out var session) && session.Run == part.Run)
        {
            // Candidates of this part may be in the cache without values. Nothing of the run can be built on them.
            session.HasGap = true;
        }

        onGap(part);
        return false;
    }

    /// <summary>Opens the session, starts its new run or commits what is verified; false when a message was lost.</summary>
    private bool TryAlign(BatchPart part)
    {
        if (!_open.TryGetValue(part.Session, out var session))
        {
            return part.Settings is not null && TryOpen(part, part.Settings);
        }

        if (part.Run < session.Run)
        {
            return false;
        }

        if (part.Run == session.Run)
        {
            return !session.HasGap && runtime.Commit(part.Session, part.Base) && session.Commit(part);
        }

        // The run before is dead here even if its cancel was lost.
        board.StartRun(part.Session, part.Run);
        session.Run = part.Run;
        session.HasGap = false;
        return runtime.Rollback(part.Session, part.Base) && session.Rollback(part);
    }

    /// <summary>Opens a session, with what the stage keeps of its text where the part goes on behind that.</summary>
    private bool TryOpen(BatchPart part, SessionSettings settings)
    {
        SentRows? rows = null;
        if (part.Base.Length == 0)
        {
            _parked.Drop(part.Session);
            Reserve(part.Session, settings);
        }
        else if (!_parked.TryTake(part, out rows))
        {
            return false;
        }

        var span = StageSpans.Begin(stage, part.Session, settings.TraceParent);
        _open.Add(
            part.Session,
            new OpenSession(settings, span, rows ?? (memory is null ? null : new SentRows(memory)))
            {
                Run = part.Run,
                LastCandidate = part.Base.Head,
            }
        );
        return _open[part.Session].Commit(part);
    }

    private void Reserve(SessionId session, SessionSettings settings)
    {
        try
        {
            runtime.Open(session, settings);
        }
        catch (StageCapacityException) when (_parked.Count > 0)
        {
            // The account of pages knows nothing of those.
            _parked.DropAll();
            runtime.Open(session, settings);
        }
    }

    private sealed class OpenSession(SessionSettings settings, Activity? span, SentRows? rows)
    {
        private int? _headSleptFrom;

        public SessionSettings Settings { get; } = settings;

        public Activity? Span { get; } = span;

        /// <summary>Hidden states that were sent; null where none are kept.</summary>
        public SentRows? Rows { get; } = rows;

        /// <summary>Verified path whose keys and values the stage holds.</summary>
        public VerifiedPath Verified { get; private set; } = VerifiedPath.Empty;

        /// <summary>Tokens of it that an exit head's caches hold.</summary>
        public int HeadLength => Math.Min(Verified.Length, _headSleptFrom ?? Verified.Length);

        public RunId Run { get; set; }

        public CandidateId LastCandidate { get; set; } = CandidateId.Root;

        /// <summary>True when something of the run was lost: only its next run can be placed.</summary>
        public bool HasGap { get; set; }

        public bool Commit(BatchPart part)
        {
            Rows?.Commit(part.Base);
            Verified = part.Base.Length > Verified.Length ? part.Base : Verified;
            return Note(part);
        }

        public bool Rollback(BatchPart part)
        {
            Rows?.Rollback(part.Base);
            Verified = part.Base;
            return Note(part);
        }

        /// <summary>Certain tokens stand one behind the other; they count where they stand behind what is verified.</summary>
        public void NoteComputed(BatchPart part)
        {
            if (part.CertainCount > 0 && part.Parents[0] == Verified.Head)
            {
                Verified = new VerifiedPath(
                    part.Candidates[part.CertainCount - 1],
                    Verified.Length + part.CertainCount
                );
            }
        }

        public void Close()
        {
            Span?.Dispose();
            Rows?.Clear();
        }

        private bool Note(BatchPart part)
        {
            // A head that wakes is given again what it missed, as a new run from where it fell asleep.
            _headSleptFrom = part.SkipsHead ? _headSleptFrom ?? part.Base.Length : null;
            return true;
        }
    }
}
