namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// Rows of fp32 in native memory. Rows are padded to whole vectors with zeros, which every operation keeps zero, so
/// kernels need no tail loops.
/// </summary>
internal sealed unsafe class CpuActivations : Activations
{
    private readonly AlignedMemory _memory;

    /// <param name="capacity">Rows.</param>
    /// <param name="width">Values of a row.</param>
    /// <param name="tally">Counts their bytes.</param>
    public CpuActivations(int capacity, int width, MemoryTally? tally = null)
        : base(capacity, width)
    {
        Stride = Lanes.RoundUp(width);
        _memory = new AlignedMemory((long)capacity * Stride * sizeof(float), tally);
    }

    /// <summary>Values from one row to the next.</summary>
    public int Stride { get; }

    /// <summary>Start of a row.</summary>
    public float* Row(int row) => (float*)_memory.Pointer + (long)row * Stride;

    public override void Dispose() => _memory.Dispose();
}

/// <summary>Rows after a norm: plain rows.</summary>
internal sealed class CpuNormedRows(int capacity, int width) : NormedRows(capacity, width)
{
    public CpuActivations Rows { get; } = new(capacity, width);

    public override void Dispose() => Rows.Dispose();
}

/// <summary>A norm's scale, padded with zeros to whole vectors.</summary>
internal sealed unsafe class CpuVector : WeightVector
{
    private readonly AlignedMemory _memory;

    public CpuVector(int length)
        : base(length)
    {
        _memory = new AlignedMemory((long)Lanes.RoundUp(length) * sizeof(float));
    }

    public float* Data => (float*)_memory.Pointer;

    public override void Dispose() => _memory.Dispose();
}

/// <summary>
/// One layer's keys and values, fp32, [kvHead, slot, headStride], heads padded with zeros to whole vectors. A head's
/// slots follow one another, so that attention reads a stretch of memory and not every other piece of it.
/// </summary>
internal sealed unsafe class CpuKvMemory : KvMemory
{
    private readonly AlignedMemory _keys;
    private readonly AlignedMemory _values;
    private readonly long _planeStride;

    public CpuKvMemory(KvShape shape)
        : base(shape)
    {
        HeadStride = Lanes.RoundUp(shape.HeadSize);
        _planeStride = (long)shape.SlotCount * HeadStride;
        var byteCount = _planeStride * shape.KvHeadCount * sizeof(float);
        _keys = new AlignedMemory(byteCount);
        _values = new AlignedMemory(byteCount);
    }

    /// <summary>Values from one slot of a head to the next.</summary>
    public int HeadStride { get; }

    /// <summary>A head's keys, [slot, headStride].</summary>
    public float* Keys(int kvHead) => (float*)_keys.Pointer + kvHead * _planeStride;

    /// <summary>A head's values, [slot, headStride].</summary>
    public float* Values(int kvHead) => (float*)_values.Pointer + kvHead * _planeStride;

    public override void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }
}
