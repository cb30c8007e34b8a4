using Ppsd.Kernels.Model;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices;

/// <summary>
/// One device and the operations of a transformer on it. Every operation computes each row by one fixed reduction
/// order, whatever other rows ride along (design rule: batch-invariant kernels), so results do not depend on the width
/// of a micro-batch or on how a prompt was cut into chunks. One backend serves one stage; all calls come from that
/// stage's thread. Operations may be queued: results are valid on the host only after <see cref="Download"/>.
/// </summary>
public abstract class Backend : IDisposable
{
    /// <summary>The device as the command line names it: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The device in words: its model, threads or memory.</summary>
    public abstract string Description { get; }

    /// <summary>Bytes one value of a key or value takes in this device's KV cache.</summary>
    internal abstract int KvElementBytes { get; }

    /// <summary>Bytes of KV cache a stage takes when it is not told: what the device can spare.</summary>
    internal abstract long DefaultKvCacheBytes { get; }

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

    /// <summary>Allocates the keys and values of one layer.</summary>
    internal abstract KvMemory AllocateKv(KvShape shape);

    /// <summary>Loads weights of equal width stacked on top of each other as one matrix, [sum of rows, columns].</summary>
    internal abstract WeightMatrix LoadMatrix(params ReadOnlySpan<Weight> stacked);

    /// <summary>Loads a vector as fp32.</summary>
    internal abstract WeightVector LoadVector(Weight weight);

    /// <summary>Loads the table of cosines and sines.</summary>
    internal abstract IDisposable LoadRotary(RotaryTable table);

    /// <summary>Makes the rows of the next operations known to the device.</summary>
    internal abstract void BeginStep(StepBatch batch);

    /// <summary>Copies rows from the host.</summary>
    internal abstract void Upload(ReadOnlySpan<float> source, Activations target, int rows);

    /// <summary>Waits for the device and copies rows to the host.</summary>
    internal abstract void Download(Activations source, int rows, Span<float> target);

    /// <summary>Copies <paramref name="rows"/> rows from <paramref name="firstRow"/> on to the start of <paramref name="target"/>.</summary>
    internal abstract void CopyRows(Activations source, int firstRow, int rows, Activations target);

    /// <summary>hidden[r] = table[token of row r].</summary>
    internal abstract void Embed(WeightMatrix table, Activations hidden);

    /// <summary>y[r] = x[r] / sqrt(mean(x[r]^2) + epsilon) * weight (Zhang and Sennrich 2019).</summary>
    internal abstract void RmsNorm(Activations x, WeightVector weight, float epsilon, Activations y, int rows);

    /// <summary>y[r] = weight x[r].</summary>
    internal abstract void MatMul(Activations x, WeightMatrix weight, Activations y, int rows);

    /// <summary>y[r] += weight x[r].</summary>
    internal abstract void MatMulAdd(Activations x, WeightMatrix weight, Activations y, int rows);

    /// <summary>
    /// Turns queries and keys in <paramref name="qkv"/> by their row's position (RoFormer, rotate-half form) and stores
    /// keys and values in the rows' slots.
    /// </summary>
    internal abstract void RotateAndStore(Activations qkv, AttentionShape shape, IDisposable rotary, KvMemory kv);

    /// <summary>y[r] = softmax(q K^T / sqrt(headSize)) V over the row's context, per head.</summary>
    internal abstract void Attend(Activations qkv, AttentionShape shape, KvMemory kv, Activations y);

    /// <summary>y[r] = silu(gate[r]) * up[r], where a row of <paramref name="gateUp"/> is gate then up.</summary>
    internal abstract void SwiGlu(Activations gateUp, Activations y, int rows);
}
