using System.Numerics;
using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>The kernels that touch the KV cache, whatever its element type.</summary>
internal abstract class IlgpuKvKernels : IDisposable
{
    /// <summary>Largest head the kernels serve.</summary>
    public const int MaxHeadSize = 2 * HeadPart.Size;

    /// <summary>Bytes of a key or value.</summary>
    public abstract int ElementBytes { get; }

    /// <summary>Kernels for a cache of bf16 or of fp32.</summary>
    public static IlgpuKvKernels Create(Accelerator accelerator, bool isBFloat16) =>
        isBFloat16
            ? new IlgpuKvKernels<ushort, BFloat16Kv>(accelerator)
            : new IlgpuKvKernels<float, Float32Kv>(accelerator);

    /// <summary>Allocates the keys and values of one layer.</summary>
    /// <exception cref="DeviceException">Heads are larger than the kernels serve.</exception>
    public abstract KvMemory Allocate(Accelerator accelerator, KvShape shape);

    /// <summary>Queues <see cref="RotaryKernel"/>; the turned queries stay in the scratch.</summary>
    public abstract void RotateAndStore(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IlgpuActivations qkv,
        AttentionShape shape,
        IlgpuRotaryTable table,
        KvMemory kv
    );

    /// <summary>Queues attention of the queries that were turned last.</summary>
    public abstract void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        int longestContext,
        AttentionShape shape,
        KvMemory kv,
        IlgpuActivations y
    );

    /// <inheritdoc />
    public abstract void Dispose();
}

/// <summary>The kernels for one element type.</summary>
/// <typeparam name="T">What lies in memory.</typeparam>
/// <typeparam name="TElement">How it is read and written.</typeparam>
internal sealed class IlgpuKvKernels<T, TElement>(Accelerator accelerator) : IlgpuKvKernels
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
        ArrayView<ushort>,
        int,
        ArrayView<T>,
        ArrayView<T>,
        AttentionGeometry
    > _rotateAndStore = accelerator.LoadKernel<
        RowContexts,
        ArrayView<float>,
        int,
        ArrayView<float>,
        ArrayView<float>,
        ArrayView<ushort>,
        int,
        ArrayView<T>,
        ArrayView<T>,
        AttentionGeometry
    >(RotaryKernel.Execute<T, TElement>);

    private readonly AttentionKernels?[] _attention = new AttentionKernels?[MaxHeadSize / HeadPart.Size];
    private readonly AttentionScratch _scratch = new(accelerator);

    public override int ElementBytes => Interop.SizeOf<T>();

    public override KvMemory Allocate(Accelerator accelerator, KvShape shape) =>
        shape.HeadSize <= MaxHeadSize
            ? new IlgpuKvMemory<T>(accelerator, shape)
            : throw new DeviceException(
                $"head size: expected at most {MaxHeadSize} on a CUDA device, found {shape.HeadSize}"
            );

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
        var partCount = HeadPart.CountOf(shape.HeadSize);
        _scratch.Reserve(
            qkv.Capacity,
            shape.HeadCount,
            partCount,
            // A recorded step has room for a power of two.
            ChunksOf((int)BitOperations.RoundUpToPowerOf2((uint)table.Length))
        );
        _rotateAndStore(
            stream,
            new KernelConfig(
                new Index2D(
                    rows,
                    (shape.HeadCount + 2 * shape.KvHeadCount + RotaryKernel.HeadsPerGroup - 1)
                        / RotaryKernel.HeadsPerGroup
                ),
                new Index2D(shape.HeadSize / 2, RotaryKernel.HeadsPerGroup)
            ),
            contexts,
            qkv.View,
            qkv.Stride,
            table.Cosines,
            table.Sines,
            _scratch.Queries.Cast<ushort>(),
            partCount,
            cache.Keys,
            cache.Values,
            new AttentionGeometry(shape, chunks: 0)
        );
    }

    public override void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        int longestContext,
        AttentionShape shape,
        KvMemory kv,
        IlgpuActivations y
    )
    {
        var cache = (IlgpuKvMemory<T>)kv;
        var partCount = HeadPart.CountOf(shape.HeadSize);
        var kernels = _attention[partCount - 1] ??= AttentionKernels.Create<TElement>(accelerator, partCount);
        kernels.Attend(
            stream,
            contexts,
            rows,
            new AttentionGeometry(shape, ChunksOf(longestContext)),
            new KvCacheView
            {
                Keys = cache.KeyLoads,
                Values = cache.ValueLoads,
                KeyAddress = DeviceAddress.Of(accelerator, cache.KeyLoads),
                ValueAddress = DeviceAddress.Of(accelerator, cache.ValueLoads),
            },
            _scratch,
            y
        );
    }

    public override void Dispose() => _scratch.Dispose();

    private static int ChunksOf(int length) =>
        (length + SplitAttentionKernel.ChunkLength - 1) / SplitAttentionKernel.ChunkLength;
}
