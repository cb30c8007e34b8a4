namespace Ppsd.Actors.Ids;

/// <summary>
/// A token that entered the pipeline at a place in its session's tree. Ids count up within a session and are never used
/// again, so a late message about a dead candidate can do no harm.
/// </summary>
/// <param name="Value">From 0; -1 is the root, the parent of the first token.</param>
public readonly record struct CandidateId(int Value)
{
    /// <summary>Parent of a session's first token.</summary>
    public static CandidateId Root { get; } = new(-1);

    /// <summary>The id <paramref name="offset"/> after this one.</summary>
    public CandidateId Plus(int offset) => new(Value + offset);
}
