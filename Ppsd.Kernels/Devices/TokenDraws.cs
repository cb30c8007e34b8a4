using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices;

/// <summary>
/// Tokens that a device draws from its own logits, so that only they are copied to the host. For the same row they are
/// the tokens of <see cref="TokenSampler"/>, bit for bit.
/// </summary>
internal abstract class TokenDraws : IDisposable
{
    /// <summary>Most tokens drawn for a row; more are drawn on the host.</summary>
    public const int MaxDrafts = 8;

    /// <summary>What <see cref="Read"/> returns for a step that was cut short.</summary>
    public const int Cancelled = -1;

    /// <summary>
    /// Queues draws for rows of logits, as <see cref="StepBatch.Draws"/> requests; part of a recorded step.
    /// </summary>
    /// <param name="logits">[rows, vocabSize].</param>
    /// <param name="firstRow">The step's row that the first of them belongs to.</param>
    public abstract void Queue(Activations logits, int firstRow, int rows);

    /// <summary>The draws were queued, by <see cref="Queue"/> or by a replay of it.</summary>
    public abstract void Expect();

    /// <summary>Waits for the draws and reads those of a row, best first.</summary>
    /// <param name="row">Row of the logits.</param>
    /// <param name="drafts">Receives the tokens; its length is the number requested.</param>
    /// <param name="isCancelled">
    /// Asked while there is something to wait for: once it says so, all that is still queued of the step is cut short. Null for a step
    /// that is wanted to its end.
    /// </param>
    /// <returns>
    /// Number of tokens: fewer when the filters keep fewer; 0 when the device did not draw that many; <see cref="Cancelled"/>.
    /// </returns>
    public abstract int Read(int row, Span<DraftToken> drafts, Func<bool>? isCancelled = null);

    /// <inheritdoc />
    public abstract void Dispose();
}

/// <summary>Draws requested for a row of a step.</summary>
/// <param name="Settings">How.</param>
/// <param name="Drafts">Number of tokens; 0 for none on the device.</param>
/// <param name="Width">Number requested at once, on the device or the host.</param>
internal readonly record struct RowDraw(DrawSettings Settings, int Drafts, int Width = 1);
