using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>The kernels that touch the KV cache, whatever its element type.</summary>
internal abstract class IlgpuKvKernels
{
    /// <summary>Bytes of a key or value.</summary>
    public abstract int ElementBytes { get; }

    /// <summary>Kernels for a cache of bf16 or of fp32.</summary>
    public static IlgpuKvKernels Create(Accelerator accelerator, bool isBFloat16) =>
        isBFloat16
            ? new IlgpuKvKernels<ushort, BFloat16Kv>(accelerator)
            : new IlgpuKvKernels<float, Float32Kv>(accelerator);

    public abstract KvMemory Allocate(Accelerator accelerator, KvShape shape);

    public abstract void RotateAndStore(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IlgpuActivations qkv,
        AttentionShape shape,
        IlgpuRotaryTable table,
        KvMemory kv
    );

    public abstract void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IlgpuActivations qkv,
        AttentionShape shape,
        KvMemory kv,
        IlgpuActivations y
    );
}

/// <summary>The kernels for one element type.</summary>
/// <typeparam name="T">What lies in memory.</typeparam>
/// <typeparam name="TElement">How it is read and written.</typeparam>
internal sealed class IlgpuKvKernels<T, TElement> : IlgpuKvKernels
    where T : unmanaged
    where TElement : struct, IKvElement<T>
{
    private readonly Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        ArrayView<float>,
        int,
        ArrayView<float>,
        ArrayView<float>,
        ArrayView<T>,
        ArrayView<T>,
        int,
        int,
        int
    > _rotateAndStore;

    private readonly Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        ArrayView<float>,
        int,
        ArrayView<T>,
        ArrayView<T>,
        int,
        int,
        int,
        float,
        ArrayView<float>,
        int
    > _attend;

    public IlgpuKvKernels(Accelerator accelerator)
    {
        _rotateAndStore = accelerator.LoadKernel<
            RowContexts,
            ArrayView<float>,
            int,
            ArrayView<float>,
            ArrayView<float>,
            ArrayView<T>,
            ArrayView<T>,
            int,
            int,
            int
        >(RotaryKernel.Execute<T, TElement>);
        _attend = accelerator.LoadKernel<
            RowContexts,
            ArrayView<float>,
            int,
            ArrayView<T>,
            ArrayView<T>,
            int,
            int,
            int,
            float,
            ArrayView<float>,
            int
        >(AttentionKernel.Execute<T, TElement>);
    }

    public override int ElementBytes => Interop.SizeOf<T>();

    public override KvMemory Allocate(Accelerator accelerator, KvShape shape) =>
        new IlgpuKvMemory<T>(accelerator, shape);

    public override void RotateAndStore(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IlgpuActivations qkv,
        AttentionShape shape,
        IlgpuRotaryTable table,
        KvMemory kv
    )
    {
        var cache = (IlgpuKvMemory<T>)kv;
        var heads = shape.HeadCount + 2 * shape.KvHeadCount;
        _rotateAndStore(
            stream,
            new KernelConfig(new Index2D(rows, heads), new Index2D(RotaryKernel.GroupSize(shape.HeadSize), 1)),
            contexts,
            qkv.View,
            qkv.Stride,
            table.Cosines,
            table.Sines,
            cache.Keys,
            cache.Values,
            shape.HeadCount,
            shape.KvHeadCount,
            shape.HeadSize
        );
    }

    public override void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IlgpuActivations qkv,
        AttentionShape shape,
        KvMemory kv,
        IlgpuActivations y
    )
    {
        var cache = (IlgpuKvMemory<T>)kv;
        _attend(
            stream,
            new KernelConfig(new Index2D(rows, shape.HeadCount), new Index2D(AttentionKernel.GroupSize, 1)),
            contexts,
            qkv.View,
            qkv.Stride,
            cache.Keys,
            cache.Values,
            shape.KvHeadCount,
            shape.GroupSize,
            shape.HeadSize,
            shape.Scale,
            y.View,
            y.Stride
        );
    }
}
