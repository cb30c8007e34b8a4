using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Resumes;

/// <summary>
/// Sessions that go on with a text and wait until every stage has said what it keeps of it. Takes its clock as an argument; one
/// owner.
/// </summary>
internal sealed class ResumedSessions(TimeProvider clock)
{
    private readonly Dictionary<SessionId, Question> _asked = [];

    /// <summary>Questions that some stages have not answered.</summary>
    public IEnumerable<FindKept> Unanswered => _asked.Values.Select(question => question.Find);

    /// <summary>Adds a session; the question goes to every stage.</summary>
    public FindKept Ask(FindKept find, int stageCount)
    {
        _asked.Add(find.Session, new Question(find, new KeptFound?[stageCount], clock.GetTimestamp()));
        return find;
    }

    /// <summary>A stage has answered.</summary>
    /// <returns>What to do, when it was the last one; otherwise null.</returns>
    public ResumePlan? Note(KeptFound found)
    {
        if (
            !_asked.TryGetValue(found.Session, out var question)
            || (uint)found.Stage.Value >= (uint)question.Answers.Length
        )
        {
            return null;
        }

        question.Answers[found.Stage.Value] = found;
        if (Array.Exists(question.Answers, answer => answer is null))
        {
            return null;
        }

        _asked.Remove(found.Session);
        return ResumePlan.Of(question.Answers!, question.Find.Tokens.Length);
    }

    /// <summary>Takes out the sessions that have waited too long: an answer may be lost, and they go on without.</summary>
    public List<SessionId> TakeLate(TimeSpan patience)
    {
        var late = _asked
            .Where(entry => clock.GetElapsedTime(entry.Value.AskedAt) >= patience)
            .Select(entry => entry.Key)
            .ToList();
        late.ForEach(Remove);
        return late;
    }

    /// <summary>Removes a session that has ended.</summary>
    public void Remove(SessionId session) => _asked.Remove(session);

    private sealed record Question(FindKept Find, KeptFound?[] Answers, long AskedAt);
}
