using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>Rows of fp32 in device memory, each padded with zeros to whole 32-byte groups.</summary>
internal sealed class IlgpuActivations : Activations
{
    private readonly MemoryBuffer1D<Float4, Stride1D.Dense> _buffer;

    public IlgpuActivations(Accelerator accelerator, int capacity, int width)
        : base(capacity, width)
    {
        Stride = ColumnGroups.RoundUp(width);
        _buffer = accelerator.Allocate1D<Float4>((long)capacity * Stride / 4);
        _buffer.MemSetToZero();
    }

    /// <summary>Values from one row to the next.</summary>
    public int Stride { get; }

    /// <summary>The values.</summary>
    public ArrayView<float> View => _buffer.View.BaseView.Cast<float>();

    /// <summary>The values, four a load.</summary>
    public ArrayView<Float4> Loads => _buffer.View.BaseView;

    /// <summary>Rows from <paramref name="first"/> on.</summary>
    public ArrayView<float> Rows(int first, int count) => View.SubView((long)first * Stride, (long)count * Stride);

    public override void Dispose() => _buffer.Dispose();
}

/// <summary>Eights of columns: what one lane multiplies at a time.</summary>
internal static class ColumnGroups
{
    /// <summary>Columns of a group.</summary>
    public const int Size = 8;

    /// <summary>Groups that hold <paramref name="columns"/>.</summary>
    public static int Count(int columns) => (columns + Size - 1) / Size;

    /// <summary>Columns padded to whole groups.</summary>
    public static int RoundUp(int columns) => Count(columns) * Size;
}

/// <summary>A matrix in device memory, row by row, bf16 or fp32, rows padded with zeros to whole column groups.</summary>
internal sealed class IlgpuMatrix(MemoryBuffer1D<UInt4, Stride1D.Dense> buffer, int rows, int columns, bool isBFloat16)
    : WeightMatrix(rows, columns)
{
    /// <summary>True when weights are bf16, false when fp32.</summary>
    public bool IsBFloat16 { get; } = isBFloat16;

    /// <summary>Column groups per row.</summary>
    public int ColumnGroupCount { get; } = ColumnGroups.Count(columns);

    public override long ByteCount => buffer.LengthInBytes;

    /// <summary>Eight bf16 weights a load.</summary>
    public ArrayView<UInt4> BFloat16Loads => buffer.View.BaseView;

    /// <summary>Four fp32 weights a load.</summary>
    public ArrayView<Float4> Float32Loads => buffer.View.BaseView.Cast<Float4>();

    public override void Dispose() => buffer.Dispose();
}

/// <summary>A norm's scale in device memory.</summary>
internal sealed class IlgpuVector(MemoryBuffer1D<float, Stride1D.Dense> buffer) : WeightVector((int)buffer.Length)
{
    public ArrayView<float> View => buffer.View.BaseView;

    public override void Dispose() => buffer.Dispose();
}

/// <summary>
/// One layer's keys and values in device memory, [slot, kvHead, headSize], heads padded with zeros to whole sixteen-byte
/// loads of bf16.
/// </summary>
internal sealed class IlgpuKvMemory<T> : KvMemory
    where T : unmanaged
{
    private readonly MemoryBuffer1D<T, Stride1D.Dense> _keys;
    private readonly MemoryBuffer1D<T, Stride1D.Dense> _values;

    public IlgpuKvMemory(Accelerator accelerator, KvShape shape)
        : base(shape)
    {
        var length = (long)shape.SlotCount * shape.KvHeadCount * ColumnGroups.RoundUp(shape.HeadSize);
        _keys = accelerator.Allocate1D<T>(length);
        _values = accelerator.Allocate1D<T>(length);
        _keys.MemSetToZero();
        _values.MemSetToZero();
        accelerator.DefaultStream.Synchronize();
    }

    public ArrayView<T> Keys => _keys.View.BaseView;

    public ArrayView<T> Values => _values.View.BaseView;

    /// <summary>Keys, sixteen bytes a load.</summary>
    public ArrayView<UInt4> KeyLoads => Keys.Cast<UInt4>();

    /// <summary>Values, sixteen bytes a load.</summary>
    public ArrayView<UInt4> ValueLoads => Values.Cast<UInt4>();

    public override void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }
}

/// <summary>Cosines and sines in device memory, [position, headSize / 2].</summary>
internal sealed class IlgpuRotaryTable(
    MemoryBuffer1D<float, Stride1D.Dense> cosines,
    MemoryBuffer1D<float, Stride1D.Dense> sines,
    int length
) : IDisposable
{
    /// <summary>Positions in the table: the longest sequence.</summary>
    public int Length { get; } = length;

    public ArrayView<float> Cosines => cosines.View.BaseView;

    public ArrayView<float> Sines => sines.View.BaseView;

    public void Dispose()
    {
        cosines.Dispose();
        sines.Dispose();
    }
}
