using System.Numerics;
using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention;

/// <summary>The kernels that touch the KV cache, whatever its element type.</summary>
internal abstract class IlgpuKvKernels : IDisposable
{
    /// <summary>Largest head the kernels serve.</summary>
    public const int MaxHeadSize = 2 * HeadPart.Size;

    /// <summary>Bytes of a key or value.</summary>
    public abstract int ElementBytes { get; }

    /// <summary>Kernels for a cache of bf16 or of fp32.</summary>
    /// <param name="isBFloat16">True for bf16.</param>
    /// <param name="limits">Limits of the device for attention.</param>
    public static IlgpuKvKernels Create(Accelerator accelerator, bool isBFloat16, IlgpuLimits limits) =>
        isBFloat16
            ? new IlgpuKvKernels<BFloat16Kv>(accelerator, limits)
            : new IlgpuKvKernels<Float32Kv>(accelerator, limits);

    /// <summary>Allocates the keys and values of one layer.</summary>
    /// <exception cref="DeviceException">Heads are larger than the kernels serve.</exception>
    public abstract KvMemory Allocate(Accelerator accelerator, KvShape shape);

    /// <summary>Queues <see cref="KvAppendKernel"/>.</summary>
    public abstract void Append(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IlgpuActivations qkv,
        AttentionShape shape,
        IlgpuRotaryTable table,
        KvMemory kv
    );

    /// <summary>
    /// Queues storing the rows' keys and values in the cache, and attention over their whole contexts.
    /// </summary>
    public abstract void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        AttentionExtent extent,
        IlgpuActivations qkv,
        AttentionShape shape,
        IlgpuRotaryTable table,
        KvMemory kv,
        AttendedRows y
    );

    /// <inheritdoc />
    public abstract void Dispose();
}

/// <summary>The kernels for one element type.</summary>
/// <typeparam name="TElement">How the cache is read and written.</typeparam>
internal sealed class IlgpuKvKernels<TElement>(Accelerator accelerator, IlgpuLimits limits) : IlgpuKvKernels
    where TElement : struct, IKvEights
{
    private readonly Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        AttentionSource,
        KvCacheView,
        AttentionGeometry
    > _append = accelerator.LoadKernel<RowContexts, AttentionSource, KvCacheView, AttentionGeometry>(
        KvAppendKernel.Execute<TElement>
    );

    private readonly AttentionKernels?[] _attention = new AttentionKernels?[MaxHeadSize / HeadPart.Size];
    private readonly AttentionScratch _scratch = new(accelerator);

    public override int ElementBytes => TElement.Loads * Interop.SizeOf<UInt4>() / ColumnGroups.Size;

    public override KvMemory Allocate(Accelerator accelerator, KvShape shape) =>
        shape.HeadSize <= MaxHeadSize
            ? new IlgpuKvMemory(accelerator, shape, TElement.Loads)
            : throw new DeviceException(
                $"head size: expected at most {MaxHeadSize} on a CUDA device, found {shape.HeadSize}"
            );

    public override void Append(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IlgpuActivations qkv,
        AttentionShape shape,
        IlgpuRotaryTable table,
        KvMemory kv
    )
    {
        const int HeadsPerGroup = KvAppendKernel.HeadsPerGroup;
        _append(
            stream,
            new KernelConfig(
                new Index2D(rows, (2 * shape.KvHeadCount + HeadsPerGroup - 1) / HeadsPerGroup),
                new Index2D(shape.HeadSize / 2, HeadsPerGroup)
            ),
            contexts,
            Source(qkv, table),
            ((IlgpuKvMemory)kv).View,
            new AttentionGeometry(shape, chunks: 0)
        );
    }

    public override void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        AttentionExtent extent,
        IlgpuActivations qkv,
        AttentionShape shape,
        IlgpuRotaryTable table,
        KvMemory kv,
        AttendedRows y
    )
    {
        if (rows > AppendedRows.MaxCount)
        {
            Append(stream, contexts, rows, qkv, shape, table, kv);
        }

        // A recorded step has room for a power of two.
        var longest = (int)BitOperations.RoundUpToPowerOf2((uint)table.Length);
        var partCount = HeadPart.CountOf(shape.HeadSize);
        _scratch.Reserve(qkv.Capacity, shape.HeadCount, partCount, ChunksOf(longest));
        var kernels = _attention[partCount - 1] ??= AttentionKernels.Create<TElement>(accelerator, partCount, limits);
        kernels.Attend(
            stream,
            contexts,
            rows,
            extent.Ranges,
            new AttentionGeometry(shape, ChunksOf(extent.LongestContext), extent.RowsTogether),
            Source(qkv, table),
            ((IlgpuKvMemory)kv).View,
            _scratch,
            y
        );
    }

    public override void Dispose() => _scratch.Dispose();

    private static AttentionSource Source(IlgpuActivations qkv, IlgpuRotaryTable table) =>
        new()
        {
            QueryKeyValue = qkv.View,
            Stride = qkv.Stride,
            Cosines = table.Cosines,
            Sines = table.Sines,
        };

    private static int ChunksOf(int length) => (length + AttentionTiling.ChunkLength - 1) / AttentionTiling.ChunkLength;
}
