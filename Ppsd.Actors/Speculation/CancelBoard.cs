using System.Collections.Concurrent;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// One stage's record of dead work: a run floor and dead candidates per session, and ended sessions. Any thread writes
/// it as soon as a message arrives; the stage reads it before each item and between layers. Marks only move towards
/// dead, so late and repeated messages are harmless.
/// </summary>
public sealed class CancelBoard
{
    /// <summary>
    /// Ended sessions remembered. A message of an ended session can only be as old as what a pipeline holds in flight,
    /// which is far fewer sessions than this.
    /// </summary>
    private const int EndedSessionsKept = 4096;

    private readonly ConcurrentDictionary<SessionId, Marks> _sessions = new();
    private readonly ConcurrentDictionary<SessionId, byte> _ended = new();
    private readonly ConcurrentQueue<SessionId> _endedInOrder = new();

    /// <summary>Applies a cancel.</summary>
    public void Raise(Cancel cancel)
    {
        if (_ended.ContainsKey(cancel.Session))
        {
            return;
        }

        RaiseFloor(cancel.Session, cancel.Floor).Kill(cancel.Branch);
    }

    /// <summary>Marks earlier runs as dead: a newer run has started, whether or not its cancel has arrived.</summary>
    public void StartRun(SessionId session, RunId run)
    {
        if (!_ended.ContainsKey(session))
        {
            RaiseFloor(session, run);
        }
    }

    /// <summary>Marks a session as ended; everything of it is dead from now on.</summary>
    public void End(SessionId session)
    {
        if (!_ended.TryAdd(session, 0))
        {
            return;
        }

        _sessions.TryRemove(session, out _);
        _endedInOrder.Enqueue(session);
        while (_endedInOrder.Count > EndedSessionsKept && _endedInOrder.TryDequeue(out var oldest))
        {
            _ended.TryRemove(oldest, out _);
        }
    }

    /// <summary>True when a run of a session is dead.</summary>
    public bool IsDead(SessionId session, RunId run) =>
        _ended.ContainsKey(session) || (_sessions.TryGetValue(session, out var marks) && run.Value < marks.Floor);

    /// <summary>True when all parts of a micro-batch are dead.</summary>
    public bool IsDead(MicroBatch batch)
    {
        foreach (var part in batch.Parts)
        {
            if (!IsDead(part.Session, part.Run))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Candidates of the session that died with a branch, as they are known now. A cancel shows in it whole or not at all:
    /// whoever tests the rows of a part one after another never finds a dead parent whose child lives.
    /// </summary>
    public ReadOnlySpan<CandidateId> DeadBranches(SessionId session) =>
        _sessions.TryGetValue(session, out var marks) ? marks.Dead : [];

    /// <summary>
    /// Forgets dead candidates before <paramref name="candidate"/>: micro-batches come in order, so the stage will not
    /// meet them again.
    /// </summary>
    public void ForgetBefore(SessionId session, CandidateId candidate)
    {
        if (_sessions.TryGetValue(session, out var marks))
        {
            marks.ForgetBefore(candidate);
        }
    }

    private Marks RaiseFloor(SessionId session, RunId floor)
    {
        var marks = _sessions.GetOrAdd(session, static _ => new Marks());
        marks.RaiseFloor(floor.Value);
        return marks;
    }

    private sealed class Marks
    {
        private int _floor;
        private CandidateId[] _dead = [];

        public int Floor => Volatile.Read(ref _floor);

        /// <summary>Never changes: marks come and go with an array of their own.</summary>
        public CandidateId[] Dead => Volatile.Read(ref _dead);

        public void RaiseFloor(int floor)
        {
            int seen;
            while ((seen = Floor) < floor && Interlocked.CompareExchange(ref _floor, floor, seen) != seen) { }
        }

        public void Kill(CandidateId[] branch)
        {
            CandidateId[] seen;
            while (
                branch.Length > 0
                && Interlocked.CompareExchange(ref _dead, [.. (seen = Dead).Union(branch)], seen) != seen
            ) { }
        }

        public void ForgetBefore(CandidateId candidate)
        {
            CandidateId[] seen;
            while (
                (seen = Dead).Length > 0
                && Interlocked.CompareExchange(ref _dead, Array.FindAll(seen, id => id.Value >= candidate.Value), seen)
                    != seen
            ) { }
        }
    }
}
