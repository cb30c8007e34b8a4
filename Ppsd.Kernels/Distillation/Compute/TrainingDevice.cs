using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>
/// One device and the forward and backward operations of training on whole sequences. Activations are fp32 [rows, width]
/// and a row is a token; a batch's sequences lie one after the other without padding. Every sum has one fixed order, so the
/// same calls give the same bits. Operations may be queued: results are valid on the host after <see cref="Download"/>.
/// All calls come from one thread.
/// </summary>
internal abstract class TrainingDevice : IDisposable
{
    /// <summary>Most tokens that <see cref="KeepTop"/> keeps of a row.</summary>
    public const int MaxKeptTokens = 1024;

    /// <summary>The device as the command line names it.</summary>
    public abstract string Name { get; }

    /// <summary>The device in words.</summary>
    public abstract string Description { get; }

    /// <summary>What suits the device, and what things take there.</summary>
    public abstract TrainingSizes Sizes { get; }

    /// <summary>Bytes of memory that the device's user has allocated and not freed; code and drivers are not counted.</summary>
    public abstract long AllocatedBytes { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the device's resources. Buffers must be freed before.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>To be called by a thread other than the one that opened the device, before its other calls.</summary>
    public virtual void EnterThread() { }

    /// <summary>Says what the operations that follow are for.</summary>
    public virtual void Enter(TrainingPart part) { }

    /// <summary>Waits for all operations that were queued.</summary>
    public virtual void Wait() { }

    /// <summary>Allocates a zeroed buffer [rows, width].</summary>
    public abstract Activations Allocate(int rows, int width);

    /// <summary>Allocates a list of integers.</summary>
    public abstract IndexBuffer AllocateIndices(int capacity);

    /// <summary>Allocates weights that training changes, zeroed.</summary>
    public abstract TrainedMatrix AllocateTrained(int rows, int columns);

    /// <summary>Loads weights of equal width stacked on top of each other, [sum of rows, columns].</summary>
    public abstract TrainingMatrix LoadFrozen(MatrixUses uses, params ReadOnlySpan<Weight> stacked);

    /// <summary>Loads the table of cosines and sines.</summary>
    public abstract IDisposable LoadRotary(RotaryTable table);

    /// <summary>Copies rows from the host.</summary>
    public abstract void Upload(ReadOnlySpan<float> source, Activations target, int rows);

    /// <summary>Copies integers from the host.</summary>
    public abstract void Upload(ReadOnlySpan<int> source, IndexBuffer target);

    /// <summary>Waits for the device and copies rows to the host.</summary>
    public abstract void Download(Activations source, int rows, Span<float> target);

    /// <summary>Sets rows to zero.</summary>
    public abstract void Clear(Activations target, int rows);

    /// <summary>target[r] = source[r].</summary>
    public abstract void Copy(Activations source, Activations target, int rows);

    /// <summary>target[r] += source[r].</summary>
    public abstract void Add(Activations source, Activations target, int rows);

    /// <summary>target[r] *= factor.</summary>
    public abstract void Scale(Activations target, float factor, int rows);

    /// <summary>target[r, 0 .. width of source) = source[r]; the rest of the row, from <paramref name="column"/> away, stays.</summary>
    public abstract void PlaceColumns(Activations source, Activations target, int column, int rows);

    /// <summary>target[r] = (adds ? target[r] : 0) + source[r, column .. column + width of target).</summary>
    public abstract void TakeColumns(Activations source, int column, Activations target, int rows, bool adds);

    /// <summary>y[r] = table[tokens[r]].</summary>
    public abstract void Embed(TrainingMatrix table, IndexBuffer tokens, Activations y, int rows);

    /// <summary>y[i] = x[rows[first + i]]; zeros where the index is negative.</summary>
    public abstract void GatherRows(Activations x, IndexBuffer rows, int first, int count, Activations y);

    /// <summary>y[rows[first + i]] += x[i]; nothing where the index is negative. No row may be named twice.</summary>
    public abstract void ScatterAddRows(Activations x, IndexBuffer rows, int first, int count, Activations y);

    /// <summary>y[r] = (adds ? y[r] : 0) + weight x[r].</summary>
    public abstract void Product(Activations x, TrainingMatrix weight, Activations y, int rows, bool adds);

    /// <summary>dx[r] = (adds ? dx[r] : 0) + weight^T dy[r]: the gradient of <see cref="Product"/> for its input.</summary>
    public abstract void ProductInputGradient(
        Activations dy,
        TrainingMatrix weight,
        Activations dx,
        int rows,
        bool adds
    );

    /// <summary>gradient of weight += sum over rows of dy[r] x[r]^T: that of <see cref="Product"/> for its weight.</summary>
    public abstract void ProductWeightGradient(Activations dy, Activations x, TrainedMatrix weight, int rows);

    /// <summary>y[r] = x[r] * scale * inverse[r], where inverse[r] = 1 / sqrt(mean of squares of x[r] + epsilon).</summary>
    /// <param name="x">Input, [rows, width].</param>
    /// <param name="scale">The norm's scale, [width].</param>
    /// <param name="epsilon">Added to the mean of squares.</param>
    /// <param name="y">Output, [rows, width].</param>
    /// <param name="inverse">Kept for the gradient, [rows, 1].</param>
    public abstract void RmsNorm(
        Activations x,
        TrainingMatrix scale,
        float epsilon,
        Activations y,
        Activations inverse,
        int rows
    );

    /// <summary>
    /// dx[r] += the gradient of <see cref="RmsNorm"/> for its input, where <paramref name="dx"/> is not null; the gradient of
    /// <paramref name="scale"/> += that for its scale.
    /// </summary>
    public abstract void RmsNormGradient(
        Activations dy,
        Activations x,
        TrainedMatrix scale,
        Activations inverse,
        Activations? dx,
        int rows
    );

    /// <summary>y[r, column .. column + width of bias) += bias.</summary>
    public abstract void AddBias(Activations y, int column, TrainingMatrix bias, int rows);

    /// <summary>The gradient of <see cref="AddBias"/> for the bias: += sum over rows of dy[r, column ..].</summary>
    public abstract void BiasGradient(Activations dy, int column, TrainedMatrix bias, int rows);

    /// <summary>RMS norm of every query and key head by itself; values are copied.</summary>
    /// <param name="x">[rows, shape's width].</param>
    /// <param name="shape">Heads of a row.</param>
    /// <param name="queryScale">Scale of every query head, [headSize].</param>
    /// <param name="keyScale">Scale of every key head, [headSize].</param>
    /// <param name="epsilon">Added to the mean of squares.</param>
    /// <param name="y">Output, another buffer than <paramref name="x"/>.</param>
    /// <param name="inverse">Kept for the gradient, [rows, query and key heads].</param>
    public abstract void NormHeads(
        Activations x,
        AttentionShape shape,
        TrainingMatrix queryScale,
        TrainingMatrix keyScale,
        float epsilon,
        Activations y,
        Activations inverse,
        int rows
    );

    /// <summary>
    /// The gradient of <see cref="NormHeads"/>: <paramref name="gradient"/>, that of the output, becomes that of the input;
    /// those of the scales are added.
    /// </summary>
    public abstract void NormHeadsGradient(
        Activations gradient,
        Activations x,
        AttentionShape shape,
        TrainedMatrix queryScale,
        TrainedMatrix keyScale,
        Activations inverse,
        int rows
    );

    /// <summary>y[r] = silu(gate) * up, where gate and up are the two halves of gateUp[r].</summary>
    public abstract void SwiGlu(Activations gateUp, Activations y, int rows);

    /// <summary>dGateUp[r] = the gradient of <see cref="SwiGlu"/> for its input.</summary>
    public abstract void SwiGluGradient(Activations gateUp, Activations dy, Activations dGateUp, int rows);

    /// <summary>Rotates queries and keys by their positions (RoFormer, rotate-half form), in place.</summary>
    /// <param name="queryKeyValue">[rows, shape's width].</param>
    /// <param name="shape">Heads of a row.</param>
    /// <param name="rotary">From <see cref="LoadRotary"/>.</param>
    /// <param name="positions">A position for each row.</param>
    /// <param name="inverse">True to rotate back, which is also the gradient.</param>
    public abstract void Rotate(
        Activations queryKeyValue,
        AttentionShape shape,
        IDisposable rotary,
        IndexBuffer positions,
        int rows,
        bool inverse
    );

    /// <summary>
    /// Causal attention within each sequence. Queries are those of the last of <paramref name="steps"/>; row t sees the keys
    /// of the first step in rows up to t of its sequence, and of every later step those of row t alone. With a single step
    /// that is plain causal attention; a chain head needs the rest.
    /// </summary>
    /// <param name="steps">Rotated queries, keys and values of each step, [rows, shape's width] each.</param>
    /// <param name="shape">Heads of a row.</param>
    /// <param name="sequences">Where each sequence starts, and the end of the last.</param>
    /// <param name="window">Positions that a query sees, its own included; more than the steps.</param>
    /// <param name="y">Output, [rows, query width].</param>
    /// <param name="logSums">Logarithm of each softmax's sum, kept for the gradient, [rows, heads].</param>
    public abstract void Attend(
        ReadOnlySpan<Activations> steps,
        AttentionShape shape,
        SequenceStarts sequences,
        int window,
        Activations y,
        Activations logSums
    );

    /// <summary>
    /// The gradient of <see cref="Attend"/>: writes that of the last step's queries and adds that of every step's keys and
    /// values.
    /// </summary>
    public abstract void AttendGradient(
        ReadOnlySpan<Activations> steps,
        AttentionShape shape,
        SequenceStarts sequences,
        int window,
        Activations y,
        Activations logSums,
        Activations dy,
        ReadOnlySpan<Activations> gradients
    );

    /// <summary>
    /// The loss of rows of logits; the draft's logits are overwritten by its gradient.
    /// </summary>
    /// <param name="target">The target's logits, [count, vocabulary]; left as they are.</param>
    /// <param name="draft">The draft's logits, [count, vocabulary]; receives the gradient times <paramref name="weight"/>.</param>
    /// <param name="rows">From <paramref name="first"/> on: a row without a draft has a negative number, counts nothing and gets gradient zero.</param>
    /// <param name="nextTokens">From <paramref name="first"/> on: the text's own next token.</param>
    /// <param name="first">First entry of both lists.</param>
    /// <param name="count">Rows of logits.</param>
    /// <param name="weight">Factor of the gradient.</param>
    /// <param name="results">[4, rows], from column <paramref name="first"/> on: receives each row's loss, overlap, hit and count.</param>
    public abstract void Loss(
        Activations target,
        Activations draft,
        IndexBuffer rows,
        IndexBuffer nextTokens,
        int first,
        int count,
        DistillationLoss loss,
        float weight,
        Activations results
    );

    /// <summary>
    /// Keeps of rows of the target's logits what <see cref="TruncatedLoss"/> needs elsewhere: tokens of the largest logits in
    /// ascending order, the lowest of equals, as floats (exact up to 2^24); logarithms of their probabilities; the logarithm of
    /// what all others have together.
    /// </summary>
    /// <param name="logits">[count, vocabulary], overwritten.</param>
    /// <param name="first">First row of <paramref name="kept"/> to write.</param>
    /// <param name="kept">[rows, 2 * tokens + 1], fewer tokens than the vocabulary and at most <see cref="MaxKeptTokens"/>.</param>
    public abstract void KeepTop(Activations logits, int count, int first, Activations kept);

    /// <summary>
    /// The loss of rows of logits against what <see cref="KeepTop"/> kept. The other tokens' mass is taken to be spread as the
    /// draft spreads its own: they are one outcome of the distributions compared. With the draft's logits and results as in
    /// <see cref="Loss"/>.
    /// </summary>
    public abstract void TruncatedLoss(
        Activations kept,
        Activations draft,
        IndexBuffer rows,
        IndexBuffer nextTokens,
        int first,
        int count,
        DistillationLoss loss,
        float weight,
        Activations results
    );

    /// <summary>Sum of squares of a gradient, in one fixed order.</summary>
    public abstract double GradientSquares(TrainedMatrix matrix);

    /// <summary>Updates values and moments by the gradient, and sets the gradient to zero.</summary>
    public abstract void Update(TrainedMatrix matrix, in AdamWStep step);

    /// <summary>Sets a gradient to zero.</summary>
    public abstract void ClearGradient(TrainedMatrix matrix);
}
