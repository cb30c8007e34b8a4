using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>
/// The assembly of attention for prompts, which the simulator never sees, on a warp that reads its text: queries, keys and
/// values laid out as the kernel lays them out give the products that the kernel takes from the registers.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class PromptAssemblyTests
{
    private const int Columns = AttentionGeometry.TileColumns;
    private const int ChunkLength = AttentionTiling.ChunkLength;
    private const int QueryAddress = 128 * 1024;

    /// <summary>Contexts that end within the chunk, in its first half and behind it; the last column is not a query.</summary>
    private static readonly int[] _lengths = [128, 300, 77, 64, 17, 1, 125, 0];

    private static readonly string[] _to =
    [
        PromptAssembly.To0,
        PromptAssembly.To1,
        PromptAssembly.To2,
        PromptAssembly.To3,
        PromptAssembly.To4,
        PromptAssembly.To5,
        PromptAssembly.To6,
        PromptAssembly.To7,
    ];

    private static readonly string[] _from =
    [
        PromptAssembly.From0,
        PromptAssembly.From1,
        PromptAssembly.From2,
        PromptAssembly.From3,
        PromptAssembly.From4,
        PromptAssembly.From5,
        PromptAssembly.From6,
        PromptAssembly.From7,
    ];

    [TestCase(1)]
    [TestCase(2)]
    public void A_chunks_weighted_values_are_stored_where_the_merge_looks(int parts)
    {
        const float Scale = 0.2f;
        var size = parts * HeadPart.Size;
        var high = Values(Columns, size, seed: 1);
        var low = Values(Columns, size, seed: 2);
        var keys = Values(ChunkLength, size, seed: 3);
        var values = Values(ChunkLength, size, seed: 4);
        var warp = new PtxWarp();
        PutQueries(warp, high, low, parts);
        PutKeys(warp, keys, parts);
        PutValues(warp, values, parts);

        warp.Run(PromptAssembly.Declare);
        warp.Run(
            parts > 1 ? PromptAssembly.LoadTwoParts : PromptAssembly.LoadOnePart,
            lane => (uint)(QueryAddress + AttentionShared.QueryAt(lane / 4, lane % 4) * 16)
        );
        warp.Run(PromptAssembly.Begin);
        for (var i = 0; i < _to.Length; i++)
        {
            var tile = i;
            warp.Run(
                (parts > 1 ? PromptAssembly.ScoreTwoParts : PromptAssembly.ScoreOnePart) + _to[tile],
                lane => (uint)(tile * 512 + lane * 16),
                lane => (uint)(_lengths[lane / 4] - lane % 4 * 2 - tile * 16),
                _ => BitConverter.SingleToUInt32Bits(Scale)
            );
        }

        warp.Run(PromptAssembly.ShareMax);
        for (var i = 0; i < _from.Length; i++)
        {
            var tile = i;
            warp.Run(
                _from[tile] + (parts > 1 ? PromptAssembly.AddTwoParts : PromptAssembly.AddOnePart),
                lane => (uint)(parts * 16384 + tile * 512 + lane * 16)
            );
        }

        // A column's places are sixteen bytes each; columns are a megabyte apart here, and totals behind them.
        Func<int, uint> Column(int odd) => lane => (uint)(((lane % 4 * 2 + odd) << 20) + lane / 4 * 16);
        warp.Run(parts > 1 ? PromptAssembly.StoreEvenOfTwoParts : PromptAssembly.StoreEvenOfOnePart, Column(0));
        warp.Run(parts > 1 ? PromptAssembly.StoreOddOfTwoParts : PromptAssembly.StoreOddOfOnePart, Column(1));
        warp.Run(PromptAssembly.StoreTotal, lane => (uint)((lane / 4 << 20) + (1 << 19)));

        Assert.That(warp.Stored, Has.Count.EqualTo(Columns * (size + 2)));
        for (var column = 0; column < Columns; column++)
        {
            var length = Math.Min(_lengths[column], ChunkLength);
            var scores = keys[..length].Select(key => Scale * Dot(high[column], low[column], key)).ToArray();
            var max = scores.Append(-1e30).Max();
            var weights = scores.Select(score => Math.Pow(2, score - max)).ToArray();
            var total = (column << 20) + (1 << 19);
            Assert.That(warp.Stored[total], Is.EqualTo(max).Within(1e-5).Percent, $"largest of {column}");
            Assert.That(warp.Stored[total + 4], Is.EqualTo(weights.Sum()).Within(1e-4), $"sum of {column}");
            for (var load = 0; load < size; load++)
            {
                var d = ChunkQuad.FirstValue(load / 4, size / 4) + load % 4;
                var expected = weights.Select((weight, position) => weight * values[position][d]).Sum();
                Assert.That(
                    warp.Stored[(column << 20) + 4 * load],
                    Is.EqualTo(expected).Within(1e-3),
                    $"column {column}, value {d}"
                );
            }
        }
    }

    private static double Dot(float[] high, float[] low, float[] key) =>
        key.Select((value, d) => ((double)high[d] + low[d]) * value).Sum();

    private static float[][] Values(int count, int size, int seed) =>
        [.. Enumerable.Range(0, count).Select(i => TestValues.BFloat16(size, 1000 * seed + i))];

    private static void PutQueries(PtxWarp warp, float[][] high, float[][] low, int parts)
    {
        for (var column = 0; column < Columns; column++)
        {
            for (var eight = 0; eight < parts * HeadPart.EightCount; eight++)
            {
                var at = QueryAddress + AttentionShared.QueryAt(column, eight) * 16;
                Put(warp, at, high[column], eight);
                Put(warp, at + parts * HeadPart.EightCount * 16, low[column], eight);
            }
        }
    }

    /// <summary>As KvStage copies them: of each thread two groups of eight of two positions.</summary>
    private static void PutKeys(PtxWarp warp, float[][] keys, int parts)
    {
        for (var at = 0; at < parts * 4 * 256; at++)
        {
            var (part, load, thread) = (at / 1024, at / 256 % 4, at % 256);
            var position = thread / 32 * 16 + thread % 32 / 4 + load / 2 * 8;
            Put(warp, at * 16, keys[position], part * HeadPart.EightCount + thread % 4 + load % 2 * 4);
        }
    }

    /// <summary>Behind the keys: of each thread a group of eight of four positions.</summary>
    private static void PutValues(PtxWarp warp, float[][] values, int parts)
    {
        for (var at = 0; at < parts * 4 * 256; at++)
        {
            var (part, load, thread) = (at / 1024, at / 256 % 4, at % 256);
            var position = thread / 32 * 16 + thread % 4 * 2 + load % 2 + load / 2 * 8;
            Put(warp, (parts * 1024 + at) * 16, values[position], part * HeadPart.EightCount + thread % 32 / 4);
        }
    }

    private static void Put(PtxWarp warp, int at, float[] values, int eight)
    {
        for (var word = 0; word < 4; word++)
        {
            BitConverter.TryWriteBytes(warp.Shared.AsSpan(at + 4 * word), Pair(values, eight * 8 + 2 * word));
        }
    }

    private static uint Pair(float[] values, int at) =>
        (BitConverter.SingleToUInt32Bits(values[at]) >> 16)
        | (BitConverter.SingleToUInt32Bits(values[at + 1]) & 0xFFFF0000u);
}
