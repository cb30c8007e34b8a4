using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>
/// Launches products for more rows of x than the narrow ring takes at once, and owns the memory they stage x in.
/// </summary>
internal abstract class ManyRowProducts(Accelerator accelerator) : IDisposable
{
    /// <summary>Rows from which on these products are faster than a narrow one for every eight.</summary>
    public const int MinRows = TensorCore.Width + 1;

    private readonly List<IDisposable> _buffers = [];

    /// <summary>The rows in parts, [row blocks of 8, tilesPerRow, 32] loads.</summary>
    protected ArrayView<UInt4> Packed { get; private set; }

    /// <summary>Second half of the rows' norm, [rows].</summary>
    protected ArrayView<float> Scales { get; private set; }

    /// <summary>The device.</summary>
    protected Accelerator Accelerator { get; } = accelerator;

    /// <summary>Queues y[row] = W norm(x[row]).</summary>
    public void Project(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int capacity,
        int rows,
        IlgpuActivations y
    ) => Queue(ProductKind.Scaled, stream, step, weights, x, capacity, rows, y);

    /// <summary>Queues y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    public void ProjectGated(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int capacity,
        int rows,
        IlgpuProductInput y
    ) => Queue(ProductKind.Gated, stream, step, weights, x, capacity, rows, y);

    /// <summary>Queues y[row] += W x[row].</summary>
    public void Add(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int capacity,
        int rows,
        IlgpuActivations y
    ) => Queue(ProductKind.Added, stream, step, weights, x, capacity, rows, y);

    public void Dispose() => _buffers.ForEach(buffer => buffer.Dispose());

    /// <summary>Eights of rows that <see cref="Packed"/> has room for.</summary>
    protected virtual int PackedRowBlocks(int capacity) => (capacity + 7) / 8;

    /// <summary>Queues splitting the rows into parts, to <see cref="Packed"/>, and finding <see cref="Scales"/>.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="config">A thread for each load.</param>
    /// <param name="tilesPerRow">Sixteens of columns.</param>
    protected abstract void Pack(
        AcceleratorStream stream,
        KernelConfig config,
        NormedRowsView x,
        int rows,
        int tilesPerRow
    );

    /// <summary>Queues the product with what <see cref="Pack"/> left.</summary>
    protected abstract void Multiply(
        ProductKind kind,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        in ProductTarget target
    );

    /// <summary>Makes room; what was there before stays, because a recorded step may still point to it.</summary>
    protected ArrayView<T> Grown<T>(ArrayView<T> view, long length)
        where T : unmanaged
    {
        if (length <= view.Length)
        {
            return view;
        }

        var buffer = Accelerator.AllocateElements<T>(length);
        _buffers.Add(buffer);
        return buffer.View.BaseView;
    }

    private void Queue(
        ProductKind kind,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        NormedRowsView x,
        int capacity,
        int rows,
        IlgpuRows y
    )
    {
        Packed = Grown(Packed, (long)PackedRowBlocks(capacity) * weights.TilesPerRow * GroupSum.WarpSize);
        Scales = Grown(Scales, capacity);
        var groups = (weights.TilesPerRow * GroupSum.WarpSize + RowPackKernel.GroupSize - 1) / RowPackKernel.GroupSize;
        var config = new KernelConfig(new Index2D(groups, (rows + 7) / 8), new Index2D(RowPackKernel.GroupSize, 1));
        Pack(stream, config, x, rows, weights.TilesPerRow);
        Multiply(
            kind,
            stream,
            step,
            weights,
            new ProductTarget
            {
                Y = y.View,
                Stride = y.Stride,
                Rows = rows,
                Outputs = weights.Rows,
                Scales = Scales,
            }
        );
    }
}

/// <summary>What is done to a product's totals; see <see cref="IProductResult"/>.</summary>
internal enum ProductKind
{
    /// <summary><see cref="ScaledResult"/>.</summary>
    Scaled,

    /// <summary><see cref="GatedResult"/>.</summary>
    Gated,

    /// <summary><see cref="AddedResult"/>.</summary>
    Added,
}
