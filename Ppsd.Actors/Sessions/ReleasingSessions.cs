using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Sessions;

/// <summary>Ended sessions whose pages some stages may still hold. Pure; one owner.</summary>
internal sealed class ReleasingSessions
{
    private readonly Dictionary<SessionId, HashSet<int>> _stages = [];

    /// <summary>Adds a session that has ended and that no stage has released yet.</summary>
    public void Add(SessionId session, int stageCount) => _stages.Add(session, [.. Enumerable.Range(0, stageCount)]);

    /// <summary>A stage has released a session.</summary>
    /// <returns>True when it was the last one.</returns>
    public bool Note(SessionId session, StageIndex stage)
    {
        if (!_stages.TryGetValue(session, out var left))
        {
            return false;
        }

        left.Remove(stage.Value);
        return left.Count == 0 && _stages.Remove(session);
    }

    /// <summary>Stages that have not answered, with the sessions they are to release.</summary>
    public IEnumerable<(SessionId Session, StageIndex Stage)> Unanswered =>
        from entry in _stages
        from stage in entry.Value
        select (entry.Key, new StageIndex(stage));

    /// <summary>Forgets all.</summary>
    public void Clear() => _stages.Clear();
}
