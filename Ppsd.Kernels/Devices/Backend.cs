using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices;

/// <summary>
/// One device and the operations of a transformer on it. Every operation computes each row by one fixed reduction
/// order, whatever other rows are in the launch (design rule: batch-invariant kernels), so results do not depend on the
/// width of a micro-batch or on how a prompt was cut into chunks. One backend serves one stage; all calls come from
/// that stage's thread. Operations may be queued: results are valid on the host only after <see cref="Download"/>.
/// </summary>
public abstract class Backend : IDisposable
{
    /// <summary>The device as the command line names it: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The device in words: its model, threads or memory.</summary>
    public abstract string Description { get; }

    /// <summary>What its numbers depend on: devices that say the same compute the same bits.</summary>
    public virtual string Arithmetic => Name;

    /// <summary>Bytes one value of a key or value takes in this device's KV cache.</summary>
    internal abstract int KvElementBytes { get; }

    /// <summary>True when operations are queued and the device works on its own; false when each is done on return.</summary>
    internal abstract bool IsQueued { get; }

    /// <summary>
    /// Default bytes of KV cache of a stage: what the device can spare, its other stages and all their weights
    /// considered.
    /// </summary>
    /// <param name="kvValuesPerToken">Keys and values of one token in the stage itself.</param>
    /// <param name="share">Who shares the device.</param>
    internal abstract long KvCacheBytesFor(long kvValuesPerToken, DeviceShare share);

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the device's resources. Buffers must be freed before.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Allocates a zeroed fp32 buffer [rows, width].</summary>
    internal abstract Activations AllocateActivations(int rows, int width);

    /// <summary>
    /// Allocates a zeroed fp32 buffer [rows, width] for what a product reads next: x of <see cref="MatMulAdd"/>, y of
    /// <see cref="MatMulSwiGlu"/> and of <see cref="Attend"/>, and nothing else. A device may hold it in an order of its own,
    /// which <see cref="Upload"/> and <see cref="Download"/> see to.
    /// </summary>
    internal abstract Activations AllocateProductInput(int rows, int width);

    /// <summary>Allocates the keys and values of one layer.</summary>
    internal abstract KvMemory AllocateKv(KvShape shape);

    /// <summary>Allocates a buffer for rows after a norm, [rows, width].</summary>
    internal abstract NormedRows AllocateNormed(int rows, int width);

    /// <summary>
    /// Room for draws from logits of <paramref name="rows"/> rows; null where logits lie in the host's memory anyway, and
    /// the host draws.
    /// </summary>
    internal virtual TokenDraws? AllocateDraws(int rows, int vocabSize) => null;

    /// <summary>Room for logits of the tokens of an ascending list alone.</summary>
    internal abstract ListedLogits AllocateListed(int rows, int vocabSize, ReadOnlySpan<int> tokens);

    /// <summary>Loads weights of equal width stacked on top of each other as one matrix, [sum of rows, columns].</summary>
    internal abstract WeightMatrix LoadMatrix(params ReadOnlySpan<Weight> stacked);

    /// <summary>Loads gate and up projections, [inner, columns] each, as the one matrix of <see cref="MatMulSwiGlu"/>.</summary>
    internal abstract WeightMatrix LoadGateUp(Weight gate, Weight up);

    /// <summary>Loads a vector as fp32.</summary>
    internal abstract WeightVector LoadVector(Weight weight);

    /// <summary>Loads the table of cosines and sines.</summary>
    internal abstract RotaryMemory LoadRotary(RotaryTable table);

    /// <summary>The stage's weights are all loaded: waits for the last and frees what only loading needed.</summary>
    internal virtual void FinishLoading() { }

    /// <summary>
    /// After an operation failed: drops what the failed step has left behind, so that another can begin.
    /// </summary>
    /// <returns>False when the device itself is broken: no step can begin any more.</returns>
    internal virtual bool TryRecover() => true;

    /// <summary>Makes the rows of the next operations known to the device.</summary>
    internal abstract void BeginStep(StepBatch batch);

    /// <summary>
    /// Queues a part of the current step. A device may record the operations once for each shape of step and replay
    /// them, so they must be the same each time: whatever differs between two steps lies in buffers. A part that has
    /// nothing to do in this step is not queued at all.
    /// </summary>
    /// <param name="firstRow">First row that the part treats apart from others; 0 if it does not.</param>
    /// <param name="operations">Queues the operations; kept by the caller, so that a step allocates nothing.</param>
    /// <param name="depth">Steps that a chain drafts in it.</param>
    /// <param name="head">Which of the stage's exit heads it is.</param>
    internal virtual void Run(StepPart part, int firstRow, Action operations, int depth = 1, int head = 0) =>
        operations();

    /// <summary>
    /// Makes the rows of a chain's further steps known to the device, beside those of the current step; see
    /// <see cref="UseRows"/>.
    /// </summary>
    /// <param name="steps">Rows of step 1, of step 2 and so on; must stay as they are until the next step begins.</param>
    internal abstract void BeginChain(IReadOnlyList<StepBatch> steps);

    /// <summary>Says whose rows the operations from now on are for.</summary>
    /// <param name="chainStep">0 for the current step's; else a step of the chain, whose rows <see cref="BeginChain"/> made known.</param>
    internal abstract void UseRows(int chainStep);

    /// <summary>Queues a copy of rows to memory of the host's; see <see cref="TryCollect"/>.</summary>
    internal abstract void BeginDownload(Activations source, int rows);

    /// <summary>
    /// Waits for the copy that <see cref="BeginDownload"/> queued, not for what was queued after it. Once
    /// <paramref name="isCancelled"/> says so the step's remaining work on the device is cut short.
    /// </summary>
    /// <returns>False when cancelled; the step's results are then not valid.</returns>
    internal abstract bool TryCollect(Func<bool> isCancelled);

    /// <summary>Rows of the last copy that was collected, [rows, width]; valid until the next step.</summary>
    internal abstract ReadOnlySpan<float> Collected { get; }

    /// <summary>
    /// Milliseconds the device worked from <see cref="BeginStep"/> on to the last thing waited for; 0 where the host
    /// does the work itself.
    /// </summary>
    internal virtual double StepDeviceMs => 0;

    /// <summary>The same of all steps; null where the host does the work itself, or the device has no clock.</summary>
    internal virtual double? DeviceMs => null;

    /// <summary>Bytes of the device's last-level cache.</summary>
    internal abstract long CacheBytes { get; }

    /// <summary>
    /// Milliseconds that some operations take, median of several rounds after a warm-up, queued as a step queues them.
    /// </summary>
    internal abstract double MeasureMs(Action operations);

    /// <summary>Copies rows from the host.</summary>
    internal abstract void Upload(ReadOnlySpan<float> source, Activations target, int rows);

    /// <summary>Waits for the device and copies rows to the host.</summary>
    internal abstract void Download(Activations source, int rows, Span<float> target);

    /// <summary>Copies <paramref name="rows"/> rows from <paramref name="firstRow"/> on to the start of <paramref name="target"/>.</summary>
    internal abstract void CopyRows(Activations source, int firstRow, int rows, Activations target);

    /// <summary>target[slot of row r] = source[r], for all rows.</summary>
    internal abstract void StoreRows(Activations source, Activations target);

    /// <summary>
    /// joined[r] = [table[token of row r]; stored[slot of row r's parent]], the second half zero where there is no parent; and
    /// cleared[r] = 0, to add a product to.
    /// </summary>
    /// <param name="table">[vocabSize, width].</param>
    /// <param name="stored">[slots, width], from <see cref="StoreRows"/>.</param>
    /// <param name="joined">[rows, 2 width], from <see cref="AllocateProductInput"/>.</param>
    /// <param name="cleared">[rows, width].</param>
    internal abstract void JoinStored(WeightMatrix table, Activations stored, Activations joined, Activations cleared);

    /// <summary>
    /// joined[r] = [table[token drafted for row r]; features[firstRow + r]] and cleared[r] = 0, for the rows of a chain's step;
    /// <paramref name="cleared"/> may be <paramref name="features"/>.
    /// </summary>
    /// <param name="table">[vocabSize, width].</param>
    /// <param name="draws">The draws whose best tokens are meant; null for the tokens that the rows have themselves.</param>
    /// <param name="features">[rows, width].</param>
    /// <param name="firstRow">Where the rows' features begin.</param>
    /// <param name="joined">[rows, 2 width], from <see cref="AllocateProductInput"/>.</param>
    /// <param name="cleared">[rows, width].</param>
    internal abstract void JoinDrafted(
        WeightMatrix table,
        TokenDraws? draws,
        Activations features,
        int firstRow,
        Activations joined,
        Activations cleared
    );

    /// <summary>hidden[r] = table[token of row r] * factor.</summary>
    internal abstract void Embed(WeightMatrix table, Activations hidden, float factor = 1);

    /// <summary>y[r] = norm of x[firstRow + r].</summary>
    internal abstract void RmsNorm(Activations x, int firstRow, int rows, Norm norm, NormedRows y);

    /// <summary>y[r] = weight x[r].</summary>
    internal abstract void MatMul(NormedRows x, WeightMatrix weight, Activations y, int rows);

    /// <summary>y[r] = silu(gate x[r]) * (up x[r]).</summary>
    /// <param name="x">Input.</param>
    /// <param name="gateUp">From <see cref="LoadGateUp"/>, [2 inner, columns].</param>
    /// <param name="scratch">[rows, 2 inner], for devices that do it in two steps.</param>
    /// <param name="y">[rows, inner], from <see cref="AllocateProductInput"/>.</param>
    internal abstract void MatMulSwiGlu(
        NormedRows x,
        WeightMatrix gateUp,
        Activations scratch,
        Activations y,
        int rows
    );

    /// <summary>hidden[r] += weight x[r]; then, if a norm follows, normed[r] = norm of hidden[r].</summary>
    /// <param name="x">Input, from <see cref="AllocateProductInput"/>.</param>
    /// <param name="weight">[hiddenSize, columns].</param>
    /// <param name="hidden">Added to, [rows, hiddenSize].</param>
    /// <param name="next">The norm that follows.</param>
    /// <param name="normed">Receives the rows after it.</param>
    internal abstract void MatMulAdd(
        Activations x,
        WeightMatrix weight,
        Activations hidden,
        int rows,
        Norm? next = null,
        NormedRows? normed = null
    );

    /// <summary>hidden[r] += weight x[r] + bias; then, if a norm follows, normed[r] = norm of hidden[r].</summary>
    /// <param name="x">Input, from <see cref="AllocateProductInput"/>.</param>
    /// <param name="weight">[hiddenSize, columns].</param>
    /// <param name="bias">[hiddenSize]; null for none.</param>
    /// <param name="hidden">Added to, [rows, hiddenSize].</param>
    /// <param name="next">The norm that follows.</param>
    /// <param name="normed">Receives the rows after it.</param>
    internal void MatMulAddBiased(
        Activations x,
        WeightMatrix weight,
        WeightVector? bias,
        Activations hidden,
        int rows,
        Norm? next,
        NormedRows normed
    )
    {
        if (bias is null)
        {
            MatMulAdd(x, weight, hidden, rows, next, normed);
            return;
        }

        MatMulAdd(x, weight, hidden, rows);
        AddBias(hidden, bias, rows);
        if (next is not null)
        {
            RmsNorm(hidden, 0, rows, next, normed);
        }
    }

    /// <summary>y[r] += bias, over the bias's length.</summary>
    internal abstract void AddBias(Activations y, WeightVector bias, int rows);

    /// <summary>Each query head and each key head of the rows of q/k/v becomes its RMS norm, in place.</summary>
    /// <param name="qkv">[rows, qkvWidth].</param>
    /// <param name="shape">Its heads.</param>
    /// <param name="query">Norm of a query head, [headSize].</param>
    /// <param name="key">Norm of a key head, [headSize].</param>
    internal abstract void NormHeads(Activations qkv, AttentionShape shape, Norm query, Norm key, int rows);

    /// <summary>y[r] = silu(gate) * up, for what a product of gate and up as they are and biases have made.</summary>
    /// <param name="gateUp">[rows, 2 inner]: gate, then up.</param>
    /// <param name="y">[rows, inner], from <see cref="AllocateProductInput"/>.</param>
    internal abstract void SwiGlu(Activations gateUp, Activations y, int rows);

    /// <summary>
    /// Turns the rows' keys by their positions (RoFormer, rotate-half form) and stores keys and values in their slots:
    /// all that <see cref="Attend"/> does for rows whose output is not read. Uses <paramref name="qkv"/> up.
    /// </summary>
    internal abstract void AppendKv(Activations qkv, AttentionShape shape, RotaryMemory rotary, KvMemory kv);

    /// <summary>
    /// Turns the rows' queries and keys by their positions, stores keys and values in their slots, then
    /// y[r] = softmax(q K^T / sqrt(headSize)) V over each row's context, per head. Uses <paramref name="qkv"/> up;
    /// <paramref name="y"/> is from <see cref="AllocateProductInput"/>.
    /// </summary>
    internal abstract void Attend(
        Activations qkv,
        AttentionShape shape,
        RotaryMemory rotary,
        KvMemory kv,
        Activations y
    );
}
