using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Step;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <summary>
/// Products of training on tensor cores, by the stages' own wide product: C[rows, outputs] = left [rows, depth] times
/// right [outputs, depth] transposed. The left operand is taken in two bf16 parts (16 bits of a value), the right one is
/// rounded to bf16, sums are fp32 in one order. Either operand may be the transpose of what lies in memory, so the same
/// kernel serves products, gradients of inputs and gradients of weights.
/// </summary>
internal sealed class TrainingProducts : IDisposable
{
    private readonly Accelerator _accelerator;
    private readonly AcceleratorStream _stream;
    private readonly PackLaunch _parts;
    private readonly PackLaunch _tiles;
    private readonly ProductLaunch _set;
    private readonly ProductLaunch _add;
    private readonly StepState _step;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _words;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _noScales;
    private MemoryBuffer1D<UInt4, Stride1D.Dense> _left;
    private MemoryBuffer1D<UInt4, Stride1D.Dense> _right;

    public TrainingProducts(Accelerator accelerator, AcceleratorStream stream)
    {
        _accelerator = accelerator;
        _stream = stream;
        _parts = accelerator
            .LoadKernel(((Action<OperandView, int, int, ArrayView<UInt4>>)OperandPacking.Parts).Method, default)
            .CreateLauncherDelegate<PackLaunch>();
        _tiles = accelerator
            .LoadKernel(((Action<OperandView, int, int, ArrayView<UInt4>>)OperandPacking.Tiles).Method, default)
            .CreateLauncherDelegate<PackLaunch>();
        _set = Load<SetResult>();
        _add = Load<AddedResult>();

        // The stages' product asks whether its step was cancelled; training's never is.
        _words = accelerator.AllocateCopy<int>([1, 0]);
        _step = new StepState
        {
            Current = _words.View.BaseView.SubView(0, 1),
            Cancelled = _words.View.BaseView.SubView(1, 1),
        };
        _noScales = accelerator.AllocateElements<float>(1);
        _left = accelerator.AllocateElements<UInt4>(1);
        _right = accelerator.AllocateElements<UInt4>(1);
    }

    private delegate void PackLaunch(
        AcceleratorStream stream,
        KernelConfig config,
        OperandView source,
        int tilesPerRow,
        int blocks,
        ArrayView<UInt4> target
    );

    private delegate void ProductLaunch(
        AcceleratorStream stream,
        KernelConfig config,
        StepState step,
        TiledWeights weights,
        long weightAddress,
        int outputBlocks,
        ArrayView<UInt4> x,
        long xAddress,
        ProductTarget target
    );

    /// <summary>Queues C = left times the tiles' matrix transposed.</summary>
    public void Queue(OperandView left, IlgpuTiledMatrix right, ArrayView<float> c, int stride, bool adds) =>
        Queue(left, right.View, right.RowBlocks, c, stride, adds);

    /// <summary>Queues C = left times right transposed; both are packed for this product alone.</summary>
    public void Queue(OperandView left, OperandView right, ArrayView<float> c, int stride, bool adds)
    {
        var tiles = Tiles.PerRow(right.Depth);
        var blocks = Tiles.RowBlocks(right.Count);
        Reserve(ref _right, (long)blocks * tiles * GroupSum.WarpSize);
        Pack(_tiles, right, tiles, blocks, _right.View.BaseView);
        var view = new TiledWeights
        {
            Loads = _right.View.BaseView,
            TilesPerRow = tiles,
            Rows = right.Count,
        };
        Queue(left, view, blocks, c, stride, adds);
    }

    /// <summary>Queues the packing of a matrix in tiles.</summary>
    public void PackTiles(OperandView source, IlgpuTiledMatrix target) =>
        Pack(_tiles, source, target.TilesPerRow, target.RowBlocks, target.View.Loads);

    /// <summary>Queues the packing of some row blocks of a matrix.</summary>
    public void PackTiles(OperandView source, IlgpuTiledMatrix target, int firstBlock, int blocks) =>
        Pack(_tiles, source, target.TilesPerRow, blocks, target.Blocks(firstBlock, blocks));

    public void Dispose()
    {
        _words.Dispose();
        _noScales.Dispose();
        _left.Dispose();
        _right.Dispose();
    }

    private void Queue(
        OperandView left,
        TiledWeights right,
        int outputBlocks,
        ArrayView<float> c,
        int stride,
        bool adds
    )
    {
        var rows = left.Count;
        var blocks = (rows + TensorCore.Width - 1) / TensorCore.Width;
        Reserve(ref _left, (long)blocks * right.TilesPerRow * GroupSum.WarpSize);
        Pack(_parts, left, right.TilesPerRow, blocks, _left.View.BaseView);
        (adds ? _add : _set)(
            _stream,
            WideProductKernel.Grid(outputBlocks, rows),
            _step,
            right,
            DeviceAddress.Of(_accelerator, right.Loads),
            outputBlocks,
            _left.View.BaseView,
            DeviceAddress.Of(_accelerator, _left.View.BaseView),
            new ProductTarget
            {
                Y = c,
                Stride = stride,
                Rows = rows,
                Outputs = right.Rows,
                Scales = _noScales.View.BaseView,
            }
        );
    }

    private void Pack(PackLaunch launch, OperandView source, int tiles, int blocks, ArrayView<UInt4> target)
    {
        var groups = (blocks + OperandPacking.GroupBlocks - 1) / OperandPacking.GroupBlocks;
        launch(
            _stream,
            new KernelConfig(new Index2D(tiles, groups), new Index2D(OperandPacking.GroupSize, 1)),
            source,
            tiles,
            blocks,
            target
        );
    }

    /// <summary>Makes room; work that reads the old memory is waited for.</summary>
    private void Reserve(ref MemoryBuffer1D<UInt4, Stride1D.Dense> buffer, long loads)
    {
        if (loads > buffer.Length)
        {
            _stream.Synchronize();
            buffer.Dispose();
            buffer = _accelerator.AllocateElements<UInt4>(loads);
        }
    }

    private ProductLaunch Load<TResult>()
        where TResult : struct, IProductResult =>
        SharedKernel.Load<ProductLaunch>(
            _accelerator,
            WideProductKernel.Execute<TResult>,
            WideProductKernel.Specialization,
            WideProductKernel.SharedBytes
        );
}
