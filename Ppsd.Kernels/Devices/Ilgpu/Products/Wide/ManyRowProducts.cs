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
    private ArrayView<int> _nothing;

    /// <summary>Second half of the rows' norm, [rows].</summary>
    protected ArrayView<float> Scales { get; private set; }

    /// <summary>The device.</summary>
    protected Accelerator Accelerator { get; } = accelerator;

    /// <summary>Queues y[row] = W norm(x[row]).</summary>
    public void Project(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        IlgpuNormedRows x,
        int rows,
        IlgpuActivations y
    ) => Queue(ProductKind.Scaled, stream, step, weights, new ManyRows(x), rows, y);

    /// <summary>Queues y[row] = silu(gate norm(x[row])) * (up norm(x[row])).</summary>
    public void ProjectGated(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        IlgpuNormedRows x,
        int rows,
        IlgpuProductInput y
    ) => Queue(ProductKind.Gated, stream, step, weights, new ManyRows(x), rows, y);

    /// <summary>Queues y[row] += W x[row].</summary>
    public void Add(
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        IlgpuProductInput x,
        int rows,
        IlgpuActivations y
    ) => Queue(ProductKind.Added, stream, step, weights, new ManyRows(x), rows, y);

    /// <summary>
    /// Where the kernel that norms rows puts their parts and scales, so that nobody has to between it and the product of the same
    /// rows, which must be queued next. Here nobody reads them.
    /// </summary>
    public virtual NormedCoresView PartsOfNormed(IlgpuNormedRows rows, int count) => OfNormed(NoParts, _nothing);

    /// <summary>The same for attention, which must follow a product of normed rows.</summary>
    public virtual CoreRowsView PartsOfAttended(IlgpuProductInput rows, int count) => NoParts;

    /// <summary>No rows that are in memory now have parts there: somebody wrote them who does not write parts.</summary>
    public virtual void ForgetParts() { }

    public void Dispose() => _buffers.ForEach(buffer => buffer.Dispose());

    /// <summary>Queues splitting the rows into parts and finding <see cref="Scales"/>, where that has not been done.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="config">A thread for each load.</param>
    /// <param name="tilesPerRow">Sixteens of columns.</param>
    protected abstract void Pack(
        AcceleratorStream stream,
        KernelConfig config,
        in ManyRows x,
        int rows,
        int tilesPerRow
    );

    /// <summary>Queues the product with what <see cref="Pack"/> left.</summary>
    /// <param name="kind">What is done to totals.</param>
    /// <param name="stream">Where to.</param>
    /// <param name="x">The rows.</param>
    /// <param name="y">Where results go; <paramref name="target"/> says how.</param>
    protected abstract void Multiply(
        ProductKind kind,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        in ManyRows x,
        IlgpuRows y,
        in ProductTarget target
    );

    /// <summary>Nowhere to put parts; no view of a kernel may be empty.</summary>
    public CoreRowsView NoParts
    {
        get
        {
            _nothing = Grown(_nothing, 1);
            return new CoreRowsView { Words = _nothing.Cast<uint>() };
        }
    }

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

    /// <summary>The same with scales and counters.</summary>
    protected NormedCoresView OfNormed(CoreRowsView parts, ArrayView<int> counts) =>
        new()
        {
            Rows = parts,
            Scales = Scales.Length > 0 ? Scales : _nothing.Cast<float>(),
            Counts = counts,
        };

    /// <summary>Makes room for the scales of so many rows.</summary>
    protected void ReserveScales(int rows) => Scales = Grown(Scales, rows);

    private void Queue(
        ProductKind kind,
        AcceleratorStream stream,
        StepState step,
        IlgpuTiledMatrix weights,
        in ManyRows x,
        int rows,
        IlgpuRows y
    )
    {
        ReserveScales(x.Capacity);
        var groups = (weights.TilesPerRow * GroupSum.WarpSize + RowPackKernel.GroupSize - 1) / RowPackKernel.GroupSize;
        var config = new KernelConfig(new Index2D(groups, (rows + 7) / 8), new Index2D(RowPackKernel.GroupSize, 1));
        Pack(stream, config, x, rows, weights.TilesPerRow);
        Multiply(
            kind,
            stream,
            step,
            weights,
            x,
            y,
            new ProductTarget
            {
                Y = y.View,
                Stride = y.Stride,
                Rows = rows,
                Outputs = weights.Rows,
                Scales = Scales,
                Cores = NoParts,
            }
        );
    }
}

/// <summary>The rows of a product, and whose they are.</summary>
/// <param name="Owner">The rows.</param>
/// <param name="View">How kernels see them; without a norm no blocks.</param>
/// <param name="Capacity">Rows that there is room for.</param>
internal readonly record struct ManyRows(object Owner, NormedRowsView View, int Capacity)
{
    /// <summary>Half-normed rows.</summary>
    public ManyRows(IlgpuNormedRows rows)
        : this(rows, rows.View, rows.Capacity) { }

    /// <summary>Rows without a norm.</summary>
    public ManyRows(IlgpuProductInput rows)
        : this(rows, NormedRowsView.Unnormed(rows), rows.Capacity) { }

    /// <summary>True for rows that <see cref="NormScale"/> scales.</summary>
    public bool IsNormed => View.Blocks > 0;
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
