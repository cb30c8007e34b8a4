using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// The products of <see cref="PromptChunk{TParts}"/> as ILGPU's simulator does them. Lanes look into each other's loads in
/// shared memory, which is a hundred times faster there than <see cref="MmaTile.Simulate"/>; each sum's order is its.
/// </summary>
internal static class SimulatedTile
{
    /// <summary>A lane's scores of a tile, without their factor; see <see cref="AttentionSums.Score"/>.</summary>
    public static ChunkScores Scores<TParts>(in PromptShared shared, int stage, int tile)
        where TParts : struct, IHeadParts
    {
        var row = Warp.LaneIdx >> 2;
        var even = (Warp.LaneIdx & 3) * 2 * 4;
        var t0 = new MmaTile();
        var t1 = new MmaTile();
        var t2 = new MmaTile();
        var t3 = new MmaTile();
        for (var near = 0; near < 2 * TParts.Count; near++)
        {
            var part = near >> 1;
            var far = near & 1;
            for (var i = 0; i < 4; i++)
            {
                var query = AttentionShared.QueryAt(row, part * HeadPart.EightCount + far * 4 + i);
                var high = shared.Queries[query];
                var low = shared.Queries[query + TParts.Count * HeadPart.EightCount];
                var key = KvStage<BFloat16Kv, TParts>.At(stage, part, far, tile * GroupSum.WarpSize + even + i);
                var later = KvStage<BFloat16Kv, TParts>.At(stage, part, far + 2, tile * GroupSum.WarpSize + even + i);
                Add(ref t0, ref t2, high, low, shared.Ring[key], shared.Ring[key + 4]);
                Add(ref t1, ref t3, high, low, shared.Ring[later], shared.Ring[later + 4]);
            }
        }

        return new ChunkScores
        {
            P0 = t0.C0 + t2.C0 + (t0.C2 + t2.C2),
            P1 = t0.C1 + t2.C1 + (t0.C3 + t2.C3),
            P8 = t1.C0 + t3.C0 + (t1.C2 + t3.C2),
            P9 = t1.C1 + t3.C1 + (t1.C3 + t3.C3),
        };
    }

    /// <summary>Adds a tile's values times its weights; all 32 lanes must arrive.</summary>
    public static void AddValues<TParts>(
        in PromptShared shared,
        int stage,
        int tile,
        in WeightPart weights,
        ref ValueTiles first,
        ref ValueTiles second
    )
        where TParts : struct, IHeadParts
    {
        var even = (Warp.LaneIdx & 3) * 2 * 4;
        var row = (Warp.LaneIdx >> 2) * 4;
        var fresh0 = new ValueTiles();
        var fresh1 = new ValueTiles();
        for (var isLow = 0; isLow < 2; isLow++)
        {
            var own = isLow == 0 ? Word(weights.High0, weights.High8) : Word(weights.Low0, weights.Low8);
            for (var i = 0; i < 4; i++)
            {
                var evenWeights = Warp.Shuffle(own, even + i);
                var oddWeights = Warp.Shuffle(own, even + 4 + i);
                var thread = tile * GroupSum.WarpSize + row + i;
                fresh0.AddWords(Values<TParts>(shared, stage, 0, thread), evenWeights, oddWeights);
                if (TParts.Count > 1)
                {
                    fresh1.AddWords(Values<TParts>(shared, stage, 1, thread), evenWeights, oddWeights);
                }
            }
        }

        first.Add(fresh0);
        second.Add(fresh1);
    }

    private static ValuePart Values<TParts>(in PromptShared shared, int stage, int part, int thread)
        where TParts : struct, IHeadParts => KvStage<BFloat16Kv, TParts>.Values(shared.Ring, stage, part, thread);

    /// <summary>Adds four k of the first two words of a load to one tile, four of the others to another.</summary>
    private static void Add(
        ref MmaTile front,
        ref MmaTile back,
        in UInt4 high,
        in UInt4 low,
        in UInt4 even,
        in UInt4 odd
    )
    {
        front.AddWords(Word(high.X, high.Y), Word(low.X, low.Y), Word(even.X, even.Y), Word(odd.X, odd.Y));
        back.AddWords(Word(high.Z, high.W), Word(low.Z, low.W), Word(even.Z, even.W), Word(odd.Z, odd.W));
    }

    /// <summary>Two words as one.</summary>
    private static ulong Word(uint near, uint far) => near | ((ulong)far << 32);
}

/// <summary>A lane's sums of values times weights of one part of a head, two values a tile; on the simulator.</summary>
internal struct ValueTiles
{
    private MmaTile _t0;
    private MmaTile _t1;
    private MmaTile _t2;
    private MmaTile _t3;

    /// <summary>Adds four positions: a lane's values, two columns' weights.</summary>
    public void AddWords(in ValuePart values, ulong even, ulong odd)
    {
        Add(ref _t0, values.P0.High.X, values.P1.High.X, values.P8.High.X, values.P9.High.X, even, odd);
        Add(ref _t1, values.P0.High.Y, values.P1.High.Y, values.P8.High.Y, values.P9.High.Y, even, odd);
        Add(ref _t2, values.P0.High.Z, values.P1.High.Z, values.P8.High.Z, values.P9.High.Z, even, odd);
        Add(ref _t3, values.P0.High.W, values.P1.High.W, values.P8.High.W, values.P9.High.W, even, odd);
    }

    /// <summary>Adds another tile's sums.</summary>
    public void Add(in ValueTiles sums)
    {
        _t0.Add(sums._t0);
        _t1.Add(sums._t1);
        _t2.Add(sums._t2);
        _t3.Add(sums._t3);
    }

    /// <summary>Stores a column as <see cref="AttentionSums.Store"/> does.</summary>
    /// <param name="target">Receives four values a load.</param>
    /// <param name="at">Load that takes tiles 0 and 1.</param>
    /// <param name="step">Loads from there to that of tiles 2 and 3.</param>
    /// <param name="isOdd">True for the later of the lane's two columns.</param>
    public readonly void Store(ArrayView<Float4> target, long at, int step, bool isOdd)
    {
        target[at] = isOdd ? Four(_t0.C1, _t0.C3, _t1.C1, _t1.C3) : Four(_t0.C0, _t0.C2, _t1.C0, _t1.C2);
        target[at + step] = isOdd ? Four(_t2.C1, _t2.C3, _t3.C1, _t3.C3) : Four(_t2.C0, _t2.C2, _t3.C0, _t3.C2);
    }

    private static void Add(ref MmaTile tile, uint p0, uint p1, uint p8, uint p9, ulong even, ulong odd)
    {
        var pairs = new PositionPairs(p0, p1, p8, p9);
        tile.AddWords(pairs.Low0 | ((ulong)pairs.Low8 << 32), pairs.High0 | ((ulong)pairs.High8 << 32), even, odd);
    }

    private static Float4 Four(float x, float y, float z, float w) =>
        new()
        {
            X = x,
            Y = y,
            Z = z,
            W = w,
        };
}
