using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// Rotary embedding in rotate-half form: value i and value i + headSize/2 of a head are one pair. Turns a row's queries
/// in place and stores its keys (rotated) and values in its slot.
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
        var half = table.HalfSize;
        fixed (float* cosines = &table.Cosines[position * half])
        fixed (float* sines = &table.Sines[position * half])
        {
            for (var head = 0; head < shape.HeadCount; head++)
            {
                var query = qkv + head * shape.HeadSize;
                Rotate(query, query, cosines, sines, half);
            }

            var keys = qkv + shape.QueryWidth;
            var values = keys + shape.KvWidth;
            var offset = (long)slot * kv.HeadStride;
            for (var head = 0; head < shape.KvHeadCount; head++)
            {
                Rotate(keys + head * shape.HeadSize, kv.Keys(head) + offset, cosines, sines, half);
                new ReadOnlySpan<float>(values + head * shape.HeadSize, shape.HeadSize).CopyTo(
                    new Span<float>(kv.Values(head) + offset, shape.HeadSize)
                );
            }
        }
    }

    /// <summary>Turns a head; vector by vector and value by value it is the same arithmetic.</summary>
    private static void Rotate(float* source, float* target, float* cosines, float* sines, int half)
    {
        var i = 0;
        for (; i <= half - Lanes.Count; i += Lanes.Count)
        {
            var first = Vector512.Load(source + i);
            var second = Vector512.Load(source + i + half);
            var cosine = Vector512.Load(cosines + i);
            var sine = Vector512.Load(sines + i);
            (first * cosine - second * sine).Store(target + i);
            (second * cosine + first * sine).Store(target + i + half);
        }

        for (; i < half; i++)
        {
            var first = source[i];
            var second = source[i + half];
            target[i] = first * cosines[i] - second * sines[i];
            target[i + half] = second * cosines[i] + first * sines[i];
        }
    }
}
