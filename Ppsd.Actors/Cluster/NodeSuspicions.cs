namespace Ppsd.Actors.Cluster;

/// <summary>
/// Which nodes may be dead, long before the cluster says so: those whose connection broke and those that have been silent for too
/// long. A sign of life clears a node. Pure; one owner.
/// </summary>
/// <typeparam name="TNode">What identifies a node.</typeparam>
/// <param name="silence">How long a node may say nothing.</param>
internal sealed class NodeSuspicions<TNode>(TimeSpan silence, TimeProvider clock)
    where TNode : notnull
{
    private readonly Dictionary<TNode, Signs> _nodes = [];
    private long _lookedAt = clock.GetTimestamp();

    /// <summary>A node said something.</summary>
    public void NoteAlive(TNode node) => _nodes[node] = new Signs(clock.GetTimestamp(), IsBroken: false);

    /// <summary>The connection to a node broke; an unknown one is ignored.</summary>
    public void NoteBroken(TNode node)
    {
        if (_nodes.TryGetValue(node, out var signs))
        {
            _nodes[node] = signs with { IsBroken = true };
        }
    }

    /// <summary>A node is gone.</summary>
    public void Forget(TNode node) => _nodes.Remove(node);

    /// <summary>
    /// To be called several times in each span of the silence that is allowed. Where it was not, this process itself has not run,
    /// and nobody was silent.
    /// </summary>
    public void Look()
    {
        if (clock.GetElapsedTime(_lookedAt) > silence / 2)
        {
            foreach (var (node, signs) in _nodes.ToList())
            {
                _nodes[node] = signs with { HeardAt = clock.GetTimestamp() };
            }
        }

        _lookedAt = clock.GetTimestamp();
    }

    /// <summary>Why a node may be dead, a phrase that goes on "the node"; null when it is not suspected.</summary>
    public string? Of(TNode node) =>
        !_nodes.TryGetValue(node, out var signs) ? null
        : signs.IsBroken ? "is out of reach: its connection broke"
        : clock.GetElapsedTime(signs.HeardAt) > silence ? $"has said nothing for {silence.TotalSeconds:0.#} s"
        : null;

    private readonly record struct Signs(long HeardAt, bool IsBroken);
}
