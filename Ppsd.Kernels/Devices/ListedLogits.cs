namespace Ppsd.Kernels.Devices;

/// <summary>
/// Logits of the tokens of a list, and where each of them is in the vocabulary. They are spread over a whole row of logits before
/// anything is drawn, so that draws know tokens by their ids alone, and so does their noise.
/// </summary>
internal abstract class ListedLogits : IDisposable
{
    /// <summary>Receives a product with the listed tokens' rows of the LM head, [rows, listed tokens].</summary>
    public abstract Activations Listed { get; }

    /// <summary>
    /// Queues logits[r, t] = the listed logit of token t of row r, and minus infinity for tokens that are not listed: these cannot
    /// be drawn.
    /// </summary>
    /// <param name="logits">[rows, vocabSize]; whatever was there is overwritten.</param>
    /// <param name="rows">Rows.</param>
    public abstract void Spread(Activations logits, int rows);

    /// <inheritdoc />
    public abstract void Dispose();
}
