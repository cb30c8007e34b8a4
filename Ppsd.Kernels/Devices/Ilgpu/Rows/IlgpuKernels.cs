using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// The kernels of a back end, compiled once. The delegates are held here: ILGPU's own cache is weak, and a second load
/// of the same method costs half a millisecond.
/// </summary>
internal sealed class IlgpuKernels(Accelerator accelerator)
{
    // Compiled when a family first needs them: a plain LLaMA never does.
    private Action<AcceleratorStream, KernelConfig, ArrayView<float>, int, ArrayView<float>, int>? _addBias;
    private Action<AcceleratorStream, KernelConfig, ArrayView<float>, int, HeadNorms>? _normHeads;

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        TiledWeights,
        ArrayView<float>,
        int,
        int,
        float
    > EmbedTiled { get; } =
        accelerator.LoadKernel<RowContexts, TiledWeights, ArrayView<float>, int, int, float>(
            EmbeddingKernel.TiledTable
        );

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        ArrayView<float>,
        int,
        ArrayView<float>,
        int,
        int,
        float
    > EmbedFloat32 { get; } =
        accelerator.LoadKernel<RowContexts, ArrayView<float>, int, ArrayView<float>, int, int, float>(
            EmbeddingKernel.Float32Table
        );

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        TiledWeights,
        JoinSource,
        JoinTarget
    > JoinTiled { get; } =
        accelerator.LoadKernel<RowContexts, TiledWeights, JoinSource, JoinTarget>(JoinKernel.TiledTable);

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        ArrayView<float>,
        int,
        JoinSource,
        JoinTarget
    > JoinFloat32 { get; } =
        accelerator.LoadKernel<RowContexts, ArrayView<float>, int, JoinSource, JoinTarget>(JoinKernel.Float32Table);

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        ArrayView<float>,
        ArrayView<float>,
        int
    > Store { get; } =
        accelerator.LoadKernel<RowContexts, ArrayView<float>, ArrayView<float>, int>(StoreKernel.Execute);

    public Action<AcceleratorStream, KernelConfig, ArrayView<float>, NormedRowsView, NormedCoresView> Norm { get; } =
        accelerator.LoadKernel<ArrayView<float>, NormedRowsView, NormedCoresView>(NormKernel.Execute);

    public Action<AcceleratorStream, KernelConfig, ArrayView<float>, ArrayView<float>> Copy { get; } =
        accelerator.LoadKernel<ArrayView<float>, ArrayView<float>>(CopyKernel.Execute);

    public Action<
        AcceleratorStream,
        KernelConfig,
        ArrayView<int>,
        ArrayView<float>,
        int,
        int,
        ArrayView<float>,
        ArrayView<int>,
        ArrayView<int>
    > Collect { get; } =
        accelerator.LoadKernel<
            ArrayView<int>,
            ArrayView<float>,
            int,
            int,
            ArrayView<float>,
            ArrayView<int>,
            ArrayView<int>
        >(CollectKernel.Execute);

    public Action<
        AcceleratorStream,
        KernelConfig,
        ArrayView<Float4>,
        NormedRowsView,
        ArrayView<float>,
        int,
        int,
        int,
        int
    > MatMulFloat32 { get; } =
        accelerator.LoadKernel<ArrayView<Float4>, NormedRowsView, ArrayView<float>, int, int, int, int>(
            MatMulKernel.Float32Weights
        );

    public Action<AcceleratorStream, KernelConfig, ArrayView<float>, int, ArrayView<float>, int, int> SwiGlu { get; } =
        accelerator.LoadKernel<ArrayView<float>, int, ArrayView<float>, int, int>(SwiGluKernel.Execute);

    public Action<
        AcceleratorStream,
        KernelConfig,
        ArrayView<uint>,
        ArrayView<uint>,
        int,
        ArrayView<UInt4>,
        int
    > PackRows { get; } =
        accelerator.LoadKernel<ArrayView<uint>, ArrayView<uint>, int, ArrayView<UInt4>, int>(PackKernel.FromRows);

    public Action<
        AcceleratorStream,
        KernelConfig,
        GeneratedRows,
        GeneratedRows,
        ArrayView<UInt4>,
        int
    > PackGenerated { get; } =
        accelerator.LoadKernel<GeneratedRows, GeneratedRows, ArrayView<UInt4>, int>(PackKernel.FromGenerator);

    /// <summary>Queues y[r] += bias.</summary>
    public void QueueBias(AcceleratorStream stream, IlgpuActivations y, IlgpuVector bias, int rows)
    {
        _addBias ??= accelerator.LoadKernel<ArrayView<float>, int, ArrayView<float>, int>(BiasKernel.Execute);
        var groups = (bias.Length + BiasKernel.GroupSize - 1) / BiasKernel.GroupSize;
        var config = new KernelConfig(new Index2D(groups, rows), new Index2D(BiasKernel.GroupSize, 1));
        _addBias(stream, config, y.View, y.Stride, bias.View, bias.Length);
    }

    /// <summary>Queues the norms of every query and key head of q/k/v, in place.</summary>
    public void QueueHeadNorms(AcceleratorStream stream, IlgpuActivations qkv, HeadNorms norms, int rows)
    {
        _normHeads ??= accelerator.LoadKernel<ArrayView<float>, int, HeadNorms>(HeadNormKernel.Execute);
        var config = new KernelConfig(
            new Index2D(norms.Heads + norms.KeyHeads, rows),
            new Index2D(HeadNormKernel.GroupSize, 1)
        );
        _normHeads(stream, config, qkv.View, qkv.Stride, norms);
    }
}
