using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// The kernels of a back end, compiled once. The delegates are held here: ILGPU's own cache is weak, and a second load
/// of the same method costs half a millisecond.
/// </summary>
internal sealed class IlgpuKernels
{
    public IlgpuKernels(Accelerator accelerator)
    {
        EmbedBFloat16 = accelerator.LoadKernel<RowContexts, ArrayView<uint>, int, ArrayView<float>, int, int>(
            EmbeddingKernel.BFloat16Table
        );
        EmbedFloat32 = accelerator.LoadKernel<RowContexts, ArrayView<float>, int, ArrayView<float>, int, int>(
            EmbeddingKernel.Float32Table
        );
        RmsNorm = accelerator.LoadKernel<ArrayView<float>, ArrayView<float>, float, ArrayView<float>, int, int>(
            RmsNormKernel.Execute
        );
        MatMulBFloat16 = accelerator.LoadKernel<
            ArrayView<UInt4>,
            ArrayView<Float4>,
            ArrayView<float>,
            int,
            int,
            int,
            int
        >(MatMulKernel.BFloat16Weights);
        MatMulFloat32 = accelerator.LoadKernel<
            ArrayView<Float4>,
            ArrayView<Float4>,
            ArrayView<float>,
            int,
            int,
            int,
            int
        >(MatMulKernel.Float32Weights);
        SwiGlu = accelerator.LoadKernel<ArrayView<float>, int, ArrayView<float>, int, int>(SwiGluKernel.Execute);
    }

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        ArrayView<uint>,
        int,
        ArrayView<float>,
        int,
        int
    > EmbedBFloat16 { get; }

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        ArrayView<float>,
        int,
        ArrayView<float>,
        int,
        int
    > EmbedFloat32 { get; }

    public Action<
        AcceleratorStream,
        KernelConfig,
        ArrayView<float>,
        ArrayView<float>,
        float,
        ArrayView<float>,
        int,
        int
    > RmsNorm { get; }

    public Action<
        AcceleratorStream,
        KernelConfig,
        ArrayView<UInt4>,
        ArrayView<Float4>,
        ArrayView<float>,
        int,
        int,
        int,
        int
    > MatMulBFloat16 { get; }

    public Action<
        AcceleratorStream,
        KernelConfig,
        ArrayView<Float4>,
        ArrayView<Float4>,
        ArrayView<float>,
        int,
        int,
        int,
        int
    > MatMulFloat32 { get; }

    public Action<AcceleratorStream, KernelConfig, ArrayView<float>, int, ArrayView<float>, int, int> SwiGlu { get; }
}
