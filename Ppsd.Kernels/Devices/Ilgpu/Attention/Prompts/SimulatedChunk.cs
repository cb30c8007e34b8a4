using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// <see cref="PromptChunk{TParts}"/> as ILGPU's simulator does it: the same sums in the same order. Scores are computed twice,
/// because only a card keeps those of eight tiles in registers.
/// </summary>
internal static class SimulatedChunk
{
    /// <summary>Computes a chunk and stores it for the merge; all 32 lanes must arrive.</summary>
    /// <param name="shared">The chunk's keys and values, and the queries.</param>
    /// <param name="stage">Stage of the ring.</param>
    /// <param name="chunk">Number of the chunk.</param>
    /// <param name="tiles">Tiles of positions that are not left out.</param>
    /// <param name="left">Positions from the lane's first to the end of its column's context.</param>
    /// <param name="columns">The warp's columns.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="partials">Receives the results.</param>
    public static void Attend<TParts>(
        in PromptShared shared,
        int stage,
        int chunk,
        int tiles,
        int left,
        in PromptColumns columns,
        float scale,
        in AttentionPartials partials
    )
        where TParts : struct, IHeadParts
    {
        var max = AttentionShared.Lowest;
        for (var tile = 0; tile < tiles; tile++)
        {
            var scores = Score<TParts>(shared, stage, tile, left, scale);
            max = XMath.Max(max, XMath.Max(XMath.Max(scores.P0, scores.P1), XMath.Max(scores.P8, scores.P9)));
        }

        max = XMath.Max(max, Warp.ShuffleXor(max, 1));
        max = XMath.Max(max, Warp.ShuffleXor(max, 2));
        var total = new SoftmaxTotal { Max = max };
        var first = new ValueTiles();
        var second = new ValueTiles();
        for (var tile = 0; tile < tiles; tile++)
        {
            var scores = Score<TParts>(shared, stage, tile, left, scale);
            var weight0 = XMath.Exp2(scores.P0 - max);
            var weight1 = XMath.Exp2(scores.P1 - max);
            var weight8 = XMath.Exp2(scores.P8 - max);
            var weight9 = XMath.Exp2(scores.P9 - max);
            var sum = weight0 + weight1 + (weight8 + weight9);
            sum += Warp.ShuffleXor(sum, 1);
            sum += Warp.ShuffleXor(sum, 2);
            total.Sum += sum;
            var weights = AttentionChunk.Pack(weight0, weight1, weight8, weight9);
            SimulatedTile.AddValues<TParts>(shared, stage, tile, weights, ref first, ref second);
        }

        var start = chunk * AttentionTiling.ChunkLength;
        if (columns.EvenLength > start)
        {
            Store<TParts>(partials, columns.EvenAt + chunk, first, second, isOdd: false);
        }

        if (columns.OddLength > start)
        {
            Store<TParts>(partials, columns.OddAt + chunk, first, second, isOdd: true);
        }

        if ((Warp.LaneIdx & 3) == 0 && columns.Length > start)
        {
            partials.Totals[columns.At + chunk] = total;
        }
    }

    private static ChunkScores Score<TParts>(in PromptShared shared, int stage, int tile, int left, float scale)
        where TParts : struct, IHeadParts
    {
        var sums = SimulatedTile.Scores<TParts>(shared, stage, tile);
        var position = tile * AttentionTiling.TileLength;
        return new ChunkScores
        {
            P0 = position < left ? sums.P0 * scale : float.NegativeInfinity,
            P1 = position + 1 < left ? sums.P1 * scale : float.NegativeInfinity,
            P8 = position + 8 < left ? sums.P8 * scale : float.NegativeInfinity,
            P9 = position + 9 < left ? sums.P9 * scale : float.NegativeInfinity,
        };
    }

    private static void Store<TParts>(
        in AttentionPartials partials,
        long chunk,
        in ValueTiles first,
        in ValueTiles second,
        bool isOdd
    )
        where TParts : struct, IHeadParts
    {
        const int PartEights = HeadPart.EightCount;
        var load = chunk * (TParts.Count * HeadPart.Size / 4) + (Warp.LaneIdx >> 2);
        first.Store(partials.Weighted, load, TParts.Count * PartEights, isOdd);
        if (TParts.Count > 1)
        {
            second.Store(partials.Weighted, load + PartEights, TParts.Count * PartEights, isOdd);
        }
    }
}
