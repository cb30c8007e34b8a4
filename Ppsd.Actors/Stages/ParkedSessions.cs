using System.Diagnostics.CodeAnalysis;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Sessions of an earlier pipeline whose keys and values the stage still holds, until a session goes on with them, or nobody
/// does. They hold pages that the pipeline's account of memory does not know: whoever needs those drops them. Used by the stage's
/// thread.
/// </summary>
internal sealed class ParkedSessions(IStageRuntime runtime)
{
    private readonly Dictionary<SessionId, Parked> _parked = [];

    /// <summary>
    /// By the session that goes on, the one it goes on with. Several may have wanted the same one: each but the last was lost before
    /// it could open.
    /// </summary>
    private readonly Dictionary<SessionId, SessionId> _claims = [];

    /// <summary>Sessions parked.</summary>
    public int Count => _parked.Count;

    /// <summary>Parks a session that the runtime has open.</summary>
    /// <param name="length">Verified tokens, at least one.</param>
    /// <param name="headLength">Those that the exit head's caches hold.</param>
    /// <param name="rows">Hidden states it has sent; null for none.</param>
    public void Park(SessionId session, SessionSettings settings, int length, int headLength, SentRows? rows) =>
        _parked.Add(session, new Parked(length, headLength, settings.ReservedLength, rows));

    /// <summary>Answers what is kept of a text, and keeps it for the session that asks.</summary>
    public KeptFound Find(FindKept find, StageIndex stage)
    {
        var found = new KeptFound(find.Session, stage, 0, 0, 0, 0);
        var earlier = _claims.GetValueOrDefault(find.Earlier, find.Earlier);
        if (!_parked.TryGetValue(earlier, out var parked))
        {
            return found;
        }

        _claims[find.Session] = earlier;
        var length = Math.Min(parked.Length, runtime.CountHeld(earlier, find.Tokens));
        return found with
        {
            Length = length,
            HeadLength = Math.Min(length, parked.HeadLength),
            SentRows = Math.Min(length, parked.Rows?.Length ?? 0),
            ReservedLength = parked.ReservedLength,
        };
    }

    /// <summary>Opens a session with what it has asked for; false, and nothing is kept of it, where that is not here any more.</summary>
    /// <param name="part">Its first part, whose base is the path that is kept.</param>
    /// <param name="rows">Hidden states sent of that path; null for none.</param>
    public bool TryTake(BatchPart part, out SentRows? rows)
    {
        rows = null;
        if (!_claims.TryGetValue(part.Session, out var earlier) || !TryRemove(earlier, out var parked))
        {
            return false;
        }

        if (parked.Length < part.Base.Length || !TryAdopt(earlier, part))
        {
            Release(earlier, parked);
            return false;
        }

        rows = parked.Rows;
        rows?.KeepFirst(part.Base.Length);
        return true;
    }

    /// <summary>Drops a session, by its own id or that of the one that asked for it; an unknown one is ignored.</summary>
    public void Drop(SessionId session)
    {
        var earlier = _claims.GetValueOrDefault(session, session);
        if (TryRemove(earlier, out var parked))
        {
            Release(earlier, parked);
        }
    }

    /// <summary>Drops those that no session of a pipeline has asked for.</summary>
    public void DropUnclaimed(PipelineEpoch pipeline)
    {
        var claimed = _claims.Where(claim => claim.Key.Epoch == pipeline).Select(claim => claim.Value).ToHashSet();
        foreach (var session in _parked.Keys)
        {
            if (!claimed.Contains(session))
            {
                Drop(session);
            }
        }
    }

    /// <summary>Drops all.</summary>
    public void DropAll()
    {
        foreach (var (session, parked) in _parked)
        {
            Release(session, parked);
        }

        _parked.Clear();
        _claims.Clear();
    }

    private bool TryRemove(SessionId session, [NotNullWhen(true)] out Parked? parked)
    {
        foreach (var (claimant, claimed) in _claims)
        {
            if (claimed == session)
            {
                _claims.Remove(claimant);
            }
        }

        return _parked.Remove(session, out parked);
    }

    private bool TryAdopt(SessionId earlier, BatchPart part)
    {
        try
        {
            return runtime.TryAdopt(earlier, part.Session, part.Base.Length, part.Settings!);
        }
        catch (StageCapacityException)
        {
            // It would have to grow. Without what is parked there is room for it, but then there is nothing to go on with.
            return false;
        }
    }

    private void Release(SessionId session, Parked parked)
    {
        parked.Rows?.Clear();
        runtime.Release(session);
    }

    private sealed record Parked(int Length, int HeadLength, int ReservedLength, SentRows? Rows);
}
