using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// RMS norm of every query and key head of q/k/v, in place; one warp a head of a row. A lane adds the squares of every
/// 32nd value, then the warp's sum is taken by a fixed tree.
/// </summary>
internal static class HeadNormKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = GroupSum.WarpSize;

    /// <param name="qkv">[rows, stride]; heads lie side by side, queries first.</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="norms">The norms of both kinds of heads.</param>
    public static void Execute(ArrayView<float> qkv, int stride, HeadNorms norms)
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var head = Grid.IdxX;
        var isQuery = head < norms.Heads;
        var first = (long)Grid.IdxY * stride + head * norms.HeadSize;
        var sum = 0f;
        for (var i = Group.IdxX; i < norms.HeadSize; i += GroupSize)
        {
            var value = qkv[first + i];
            sum = UnfusedMath.Add(sum, UnfusedMath.Multiply(value, value));
        }

        var mean = UnfusedMath.Multiply(GroupSum.OverWarp(sum), norms.InverseSize);
        var epsilon = isQuery ? norms.QueryEpsilon : norms.KeyEpsilon;
        var scale = UnfusedMath.ApproximateReciprocalRoot(UnfusedMath.Add(mean, epsilon));
        for (var i = Group.IdxX; i < norms.HeadSize; i += GroupSize)
        {
            var weight = isQuery ? norms.Query[i] : norms.Key[i];
            qkv[first + i] = UnfusedMath.Multiply(UnfusedMath.Multiply(qkv[first + i], scale), weight);
        }
    }
}

/// <summary>The norms of a layer's query and key heads.</summary>
internal struct HeadNorms
{
    /// <summary>[headSize], of query heads.</summary>
    public ArrayView<float> Query;

    /// <summary>[headSize], of key heads.</summary>
    public ArrayView<float> Key;

    /// <summary>Query heads; key heads follow.</summary>
    public int Heads;

    /// <summary>Key heads.</summary>
    public int KeyHeads;

    /// <summary>Values of a head.</summary>
    public int HeadSize;

    /// <summary>1 / headSize.</summary>
    public float InverseSize;

    /// <summary>Added to the mean square of a query head.</summary>
    public float QueryEpsilon;

    /// <summary>Added to the mean square of a key head.</summary>
    public float KeyEpsilon;

    /// <summary>The norms of a layer.</summary>
    public static HeadNorms Of(AttentionShape shape, Norm query, Norm key) =>
        new()
        {
            Query = ((IlgpuVector)query.Weight).View,
            Key = ((IlgpuVector)key.Weight).View,
            Heads = shape.HeadCount,
            KeyHeads = shape.KvHeadCount,
            HeadSize = shape.HeadSize,
            InverseSize = 1f / shape.HeadSize,
            QueryEpsilon = query.Epsilon,
            KeyEpsilon = key.Epsilon,
        };
}
