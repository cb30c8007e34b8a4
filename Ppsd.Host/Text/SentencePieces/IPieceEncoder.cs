namespace Ppsd.Host.Text.SentencePieces;

/// <summary>
/// Cuts text into pieces of a vocabulary. Knows nothing of special tokens or spaces. Safe for use from several threads.
/// </summary>
internal interface IPieceEncoder
{
    /// <summary>
    /// Adds the ids of <paramref name="text"/>, in which spaces are already escaped, to <paramref name="ids"/>.
    /// </summary>
    /// <param name="ids">Receives the ids.</param>
    /// <param name="cancellation">Ends the work with an <see cref="OperationCanceledException"/>.</param>
    void Encode(ReadOnlySpan<char> text, List<int> ids, CancellationToken cancellation = default);
}
