namespace Ppsd.Actors.Messages;

/// <summary>
/// This node is about to leave: take nothing new, and answer with <see cref="Drained"/> once nothing is left. Within a
/// process, to a stage host or a text gateway.
/// </summary>
internal sealed class Drain
{
    public static Drain Instance { get; } = new();
}

/// <summary>Nothing is left to be finished.</summary>
internal sealed class Drained
{
    public static Drained Instance { get; } = new();
}
