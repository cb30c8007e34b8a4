using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// Rotary embedding in rotate-half form: value i and value i + headSize/2 of a head are one pair. Turns a row's
/// queries in place and stores its keys (turned) and values in its slot.
/// </summary>
internal static unsafe class CpuRotary
{
    public static void Execute(
        float* qkv,
        AttentionShape shape,
        RotaryTable table,
        int position,
        CpuKvMemory kv,
        int slot
    )
    {
        var angles = position * table.HalfSize;
        var cosines = table.Cosines.AsSpan(angles, table.HalfSize);
        var sines = table.Sines.AsSpan(angles, table.HalfSize);
        for (var head = 0; head < shape.HeadCount; head++)
        {
            var query = qkv + head * shape.HeadSize;
            Rotate(query, query, cosines, sines);
        }

        var keys = qkv + shape.QueryWidth;
        var values = keys + shape.KvWidth;
        for (var head = 0; head < shape.KvHeadCount; head++)
        {
            var offset = (long)slot * kv.SlotStride + head * kv.HeadStride;
            Rotate(keys + head * shape.HeadSize, kv.Keys + offset, cosines, sines);
            new ReadOnlySpan<float>(values + head * shape.HeadSize, shape.HeadSize).CopyTo(
                new Span<float>(kv.Values + offset, shape.HeadSize)
            );
        }
    }

    private static void Rotate(float* source, float* target, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines)
    {
        var half = cosines.Length;
        for (var i = 0; i < half; i++)
        {
            var first = source[i];
            var second = source[i + half];
            target[i] = first * cosines[i] - second * sines[i];
            target[i + half] = second * cosines[i] + first * sines[i];
        }
    }
}
