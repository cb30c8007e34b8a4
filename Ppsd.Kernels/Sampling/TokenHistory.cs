namespace Ppsd.Kernels.Sampling;

/// <summary>Tokens before a position: those committed, and the uncommitted ones on the candidate's path.</summary>
/// <param name="committed">Tokens on the verified path, the prompt first.</param>
/// <param name="tail">Candidates after them, the row itself included; never of the prompt.</param>
/// <param name="promptLength">Tokens of the prompt; more than are committed while the prompt is entering.</param>
public readonly ref struct TokenHistory(ReadOnlySpan<int> committed, ReadOnlySpan<int> tail, int promptLength)
{
    /// <summary>Tokens on the verified path.</summary>
    public ReadOnlySpan<int> Committed { get; } = committed;

    /// <summary>Of them, those generated.</summary>
    public ReadOnlySpan<int> GeneratedAndCommitted { get; } = committed[Math.Min(promptLength, committed.Length)..];

    /// <summary>Candidates after them, the row itself included.</summary>
    public ReadOnlySpan<int> Tail { get; } = tail;
}
