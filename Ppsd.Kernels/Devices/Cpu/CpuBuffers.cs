namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// Rows of fp32 in native memory. Rows are padded to whole vectors with zeros, which every operation keeps zero, so
/// kernels need no tail loops.
/// </summary>
internal sealed unsafe class CpuActivations : Activations
{
    private readonly AlignedMemory _memory;

    public CpuActivations(int capacity, int width)
        : base(capacity, width)
    {
        Stride = Lanes.RoundUp(width);
        _memory = new AlignedMemory((long)capacity * Stride * sizeof(float));
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

/// <summary>One layer's keys and values, fp32, [slot, kvHead, headStride], heads padded with zeros to whole vectors.</summary>
internal sealed unsafe class CpuKvMemory : KvMemory
{
    private readonly AlignedMemory _keys;
    private readonly AlignedMemory _values;

    public CpuKvMemory(KvShape shape)
        : base(shape)
    {
        HeadStride = Lanes.RoundUp(shape.HeadSize);
        SlotStride = HeadStride * shape.KvHeadCount;
        var byteCount = (long)shape.SlotCount * SlotStride * sizeof(float);
        _keys = new AlignedMemory(byteCount);
        _values = new AlignedMemory(byteCount);
    }

    /// <summary>Values from one head to the next.</summary>
    public int HeadStride { get; }

    /// <summary>Values from one slot to the next.</summary>
    public int SlotStride { get; }

    public float* Keys => (float*)_keys.Pointer;

    public float* Values => (float*)_values.Pointer;

    public override void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }
}
