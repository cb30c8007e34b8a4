namespace Ppsd.Tests.Support;

/// <summary>Inputs for kernels: normal values, and peaky ones where a single value dominates a sum.</summary>
internal static class TestValues
{
    public static float[] Normal(int count, int seed, float scale = 1f)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble())) * scale;
        }

        return values;
    }

    public static float[] Peaky(int count, int seed)
    {
        var values = Normal(count, seed, 0.01f);
        values[seed % count] = 300f;
        return values;
    }

    /// <summary>Values that bf16 holds exactly.</summary>
    public static float[] BFloat16(int count, int seed, float scale = 1f) =>
        [
            .. Normal(count, seed, scale)
                .Select(value => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000u)),
        ];
}
