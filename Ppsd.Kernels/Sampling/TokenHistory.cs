namespace Ppsd.Kernels.Sampling;

/// <summary>Tokens before a position: those committed, and the uncommitted ones on the candidate's path.</summary>
public readonly ref struct TokenHistory(ReadOnlySpan<int> committed, ReadOnlySpan<int> tail)
{
    /// <summary>Tokens on the verified path.</summary>
    public ReadOnlySpan<int> Committed { get; } = committed;

    /// <summary>Candidates after them, the row itself included.</summary>
    public ReadOnlySpan<int> Tail { get; } = tail;
}
