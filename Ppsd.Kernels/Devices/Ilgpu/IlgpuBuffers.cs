using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>Half-normed rows; see <see cref="NormScale"/>.</summary>
internal sealed class IlgpuNormedRows : NormedRows
{
    private readonly IlgpuProductInput _values;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _partials;
    private NormedRowsView _view;

    public IlgpuNormedRows(Accelerator accelerator, int capacity, int width)
        : base(capacity, width)
    {
        _values = new IlgpuProductInput(accelerator, capacity, width);
        _partials = accelerator.Allocate1D<float>((long)capacity * NormScale.BlockCount(width));
        _view = new NormedRowsView
        {
            Values = _values.View,
            Partials = _partials.View.BaseView,
            Stride = _values.Stride,
            Blocks = NormScale.BlockCount(width),
            InverseWidth = 1f / width,
        };
    }

    /// <summary>The rows as a product reads them: with the norm they were last written for.</summary>
    public NormedRowsView View => _view;

    /// <summary>The rows as a kernel writes them for a norm.</summary>
    public NormedRowsView For(Norm norm)
    {
        _view.Weight = ((IlgpuVector)norm.Weight).View;
        _view.Epsilon = norm.Epsilon;
        return _view;
    }

    public override void Dispose()
    {
        _values.Dispose();
        _partials.Dispose();
    }
}

/// <summary>Eights of values: what one lane loads of a key or value at a time.</summary>
internal static class ColumnGroups
{
    /// <summary>Values of a group.</summary>
    public const int Size = 8;

    /// <summary>Groups that hold <paramref name="columns"/>.</summary>
    public static int Count(int columns) => (columns + Size - 1) / Size;

    /// <summary>Values padded to whole groups.</summary>
    public static int RoundUp(int columns) => Count(columns) * Size;
}

/// <summary>Tiles of sixteen rows and columns, and the length to which rows are padded with zeros.</summary>
internal static class Tiles
{
    /// <summary>Row blocks that hold <paramref name="rows"/>.</summary>
    public static int RowBlocks(int rows) => (rows + TensorCore.TileRows - 1) / TensorCore.TileRows;

    /// <summary>
    /// Tiles that hold a row of <paramref name="columns"/>: whole stages of <see cref="ProductRing{TForm}"/>, so that no warp asks
    /// whether its tile exists.
    /// </summary>
    public static int PerRow(int columns) => RoundUp(columns) / TensorCore.TileColumns;

    /// <summary>Length of a row padded to that many tiles.</summary>
    public static int RoundUp(int columns)
    {
        const int Columns = RingMemory.StageColumns;
        return (columns + Columns - 1) / Columns * Columns;
    }
}

/// <summary>A bf16 matrix in device memory, in tiles.</summary>
internal sealed class IlgpuTiledMatrix : WeightMatrix
{
    private readonly MemoryBuffer1D<UInt4, Stride1D.Dense> _buffer;

    public IlgpuTiledMatrix(Accelerator accelerator, int rows, int columns, int rowBlocks)
        : base(rows, columns)
    {
        RowBlocks = rowBlocks;
        TilesPerRow = Tiles.PerRow(columns);
        _buffer = accelerator.Allocate1D<UInt4>((long)rowBlocks * TilesPerRow * GroupSum.WarpSize);
    }

    /// <summary>Blocks of sixteen rows; of a gate/up matrix eight of each.</summary>
    public int RowBlocks { get; }

    /// <summary>Tiles of a row block.</summary>
    public int TilesPerRow { get; }

    /// <summary>As kernels see it.</summary>
    public TiledWeights View =>
        new()
        {
            Loads = _buffer.View.BaseView,
            TilesPerRow = TilesPerRow,
            Rows = Rows,
        };

    public override long ByteCount => _buffer.LengthInBytes;

    /// <summary>The loads of some row blocks.</summary>
    public ArrayView<UInt4> Blocks(long first, long count)
    {
        var blockLoads = (long)TilesPerRow * GroupSum.WarpSize;
        return _buffer.View.BaseView.SubView(first * blockLoads, count * blockLoads);
    }

    public override void Dispose() => _buffer.Dispose();
}

/// <summary>An fp32 matrix in device memory, row by row, rows padded with zeros to whole tiles of columns.</summary>
internal sealed class IlgpuRowMatrix : WeightMatrix
{
    private readonly MemoryBuffer1D<Float4, Stride1D.Dense> _buffer;

    public IlgpuRowMatrix(Accelerator accelerator, int rows, int columns)
        : base(rows, columns)
    {
        Stride = Tiles.RoundUp(columns);
        _buffer = accelerator.Allocate1D<Float4>((long)rows * Stride / 4);
    }

    /// <summary>Values from one row to the next.</summary>
    public int Stride { get; }

    public override long ByteCount => _buffer.LengthInBytes;

    /// <summary>Four weights a load.</summary>
    public ArrayView<Float4> Loads => _buffer.View.BaseView;

    public override void Dispose() => _buffer.Dispose();
}

/// <summary>A norm's scale in device memory, padded with zeros to whole tiles.</summary>
internal sealed class IlgpuVector(MemoryBuffer1D<float, Stride1D.Dense> buffer, int length) : WeightVector(length)
{
    public ArrayView<float> View => buffer.View.BaseView;

    public override void Dispose() => buffer.Dispose();
}

/// <summary>
/// One layer's keys and values in device memory, [page, kvHead, slot of the page, headSize]; heads are padded with zeros to
/// whole sixteen-byte loads of bf16. See <see cref="AttentionGeometry.CacheIndex"/>.
/// </summary>
internal sealed class IlgpuKvMemory : KvMemory
{
    private readonly MemoryBuffer1D<UInt4, Stride1D.Dense> _keys;
    private readonly MemoryBuffer1D<UInt4, Stride1D.Dense> _values;

    /// <summary>Allocates zeros.</summary>
    /// <param name="accelerator">The device.</param>
    /// <param name="shape">How much.</param>
    /// <param name="eightLoads">Loads of sixteen bytes that hold eight values.</param>
    public IlgpuKvMemory(Accelerator accelerator, KvShape shape, int eightLoads)
        : base(shape)
    {
        var pages = (shape.SlotCount + AttentionGeometry.PageSlots - 1) / AttentionGeometry.PageSlots;
        var heads = (long)pages * AttentionGeometry.PageSlots * shape.KvHeadCount;
        var length = heads * ColumnGroups.Count(shape.HeadSize) * eightLoads;
        _keys = accelerator.Allocate1D<UInt4>(length);
        _values = accelerator.Allocate1D<UInt4>(length);
        _keys.MemSetToZero();
        _values.MemSetToZero();
        accelerator.DefaultStream.Synchronize();
        View = new KvCacheView
        {
            Keys = _keys.View.BaseView,
            Values = _values.View.BaseView,
            KeyAddress = DeviceAddress.Of(accelerator, _keys.View.BaseView),
            ValueAddress = DeviceAddress.Of(accelerator, _values.View.BaseView),
        };
    }

    /// <summary>As kernels see it.</summary>
    public KvCacheView View { get; }

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
