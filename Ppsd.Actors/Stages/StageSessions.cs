using System.Diagnostics;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
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
internal sealed class StageSessions(
    StageIndex stage,
    IStageRuntime runtime,
    CancelBoard board,
    Action<BatchPart> onGap,
    Action<SessionId, string> onFault
)
{
    private readonly Dictionary<SessionId, OpenSession> _open = [];

    /// <summary>Sessions open.</summary>
    public int Count => _open.Count;

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

    /// <summary>Closes a session and frees its pages.</summary>
    public void Release(SessionId session)
    {
        if (_open.Remove(session, out var open))
        {
            open.Span?.Dispose();
        }

        runtime.Release(session);
    }

    /// <summary>Closes all.</summary>
    public void ReleaseAll()
    {
        foreach (var (session, open) in _open)
        {
            open.Span?.Dispose();
            runtime.Release(session);
        }

        _open.Clear();
    }

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
            if (part.Settings is null)
            {
                return false;
            }

            runtime.Open(part.Session, part.Settings);
            _open.Add(
                part.Session,
                new OpenSession(part.Settings, StageSpans.Begin(stage, part.Session, part.Settings.TraceParent))
                {
                    Run = part.Run,
                }
            );
            return true;
        }

        if (part.Run < session.Run)
        {
            return false;
        }

        if (part.Run == session.Run)
        {
            return !session.HasGap && runtime.Commit(part.Session, part.Base);
        }

        // The run before is dead here even if its cancel was lost.
        board.StartRun(part.Session, part.Run);
        session.Run = part.Run;
        session.HasGap = false;
        return runtime.Rollback(part.Session, part.Base);
    }

    private sealed class OpenSession(SessionSettings settings, Activity? span)
    {
        public SessionSettings Settings { get; } = settings;

        public Activity? Span { get; } = span;

        public RunId Run { get; set; }

        public CandidateId LastCandidate { get; set; } = CandidateId.Root;

        /// <summary>True when something of the run was lost: only its next run can be placed.</summary>
        public bool HasGap { get; set; }
    }
}
