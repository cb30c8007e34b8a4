using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>A row's scaled logits, gone through by a whole group of <see cref="FilterKernel"/>; all its threads must arrive.</summary>
internal struct RowScores
{
    public ArrayView<Float4> Logits;
    public int VocabSize;
    public float Scale;

    /// <summary>The least score, ordered.</summary>
    public uint Lowest;

    /// <summary>The largest score, ordered.</summary>
    public uint Highest;

    /// <summary>The largest score.</summary>
    public float Max;

    /// <summary>Finds the least and the largest.</summary>
    public void FindRange(ArrayView<long> shared)
    {
        var lowest = uint.MaxValue;
        var highest = 0u;
        for (var first = 0; first * 4 < VocabSize; first += 4 * FilterKernel.GroupSize)
        {
            var load = first + Group.IdxX;
            var four0 = Load(load);
            var four1 = Load(load + FilterKernel.GroupSize);
            var four2 = Load(load + 2 * FilterKernel.GroupSize);
            var four3 = Load(load + 3 * FilterKernel.GroupSize);
            Warp.Barrier();
            Widen(four0, load, ref lowest, ref highest);
            Widen(four1, load + FilterKernel.GroupSize, ref lowest, ref highest);
            Widen(four2, load + 2 * FilterKernel.GroupSize, ref lowest, ref highest);
            Widen(four3, load + 3 * FilterKernel.GroupSize, ref lowest, ref highest);
        }

        var keys = shared.Cast<ulong>();
        Highest = (uint)DrawKey.OverGroup(highest, keys, FilterKernel.GroupSize >> 5);
        Lowest = ~(uint)DrawKey.OverGroup(~lowest, keys, FilterKernel.GroupSize >> 5);
        Max = DrawKey.FromOrdered(Highest);
    }

    /// <summary>What lies at or above a score.</summary>
    public readonly ScoreTally AtLeast(uint least, ArrayView<long> counts, ArrayView<long> weights)
    {
        var tally = new ScoreTally();
        for (var first = 0; first * 4 < VocabSize; first += 4 * FilterKernel.GroupSize)
        {
            var load = first + Group.IdxX;
            var four0 = Load(load);
            var four1 = Load(load + FilterKernel.GroupSize);
            var four2 = Load(load + 2 * FilterKernel.GroupSize);
            var four3 = Load(load + 3 * FilterKernel.GroupSize);
            Warp.Barrier();
            tally = Count(tally, four0, load, least);
            tally = Count(tally, four1, load + FilterKernel.GroupSize, least);
            tally = Count(tally, four2, load + 2 * FilterKernel.GroupSize, least);
            tally = Count(tally, four3, load + 3 * FilterKernel.GroupSize, least);
        }

        return tally.OverGroup(counts, weights, FilterKernel.GroupSize >> 5);
    }

    /// <summary>Lists the scores from <paramref name="low"/> to <paramref name="high"/>, in no order.</summary>
    public readonly void List(uint low, uint high, ArrayView<uint> list, ArrayView<int> listed)
    {
        if (Group.IdxX == 0)
        {
            listed[0] = 0;
        }

        Group.Barrier();
        for (var load = Group.IdxX; load * 4 < VocabSize; load += FilterKernel.GroupSize)
        {
            var four = Logits[load];
            Add(At(four.X, load * 4), low, high, list, listed);
            Add(At(four.Y, load * 4 + 1), low, high, list, listed);
            Add(At(four.Z, load * 4 + 2), low, high, list, listed);
            Add(At(four.W, load * 4 + 3), low, high, list, listed);
        }

        Group.Barrier();
    }

    private static void Add(uint ordered, uint low, uint high, ArrayView<uint> list, ArrayView<int> listed)
    {
        if (ordered >= low && ordered <= high)
        {
            list[Atomic.Add(ref listed[0], 1)] = ordered;
        }
    }

    /// <summary>
    /// Four logits; past the row's end values that <see cref="At"/> ignores. Four loads are in flight together.
    /// </summary>
    private readonly Float4 Load(int load) => Logits[load * 4 < VocabSize ? load : 0];

    private readonly void Widen(Float4 four, int load, ref uint lowest, ref uint highest)
    {
        Widen(four.X, load * 4, ref lowest, ref highest);
        Widen(four.Y, load * 4 + 1, ref lowest, ref highest);
        Widen(four.Z, load * 4 + 2, ref lowest, ref highest);
        Widen(four.W, load * 4 + 3, ref lowest, ref highest);
    }

    private readonly ScoreTally Count(ScoreTally tally, Float4 four, int load, uint least) =>
        tally
            .With(At(four.X, load * 4), least, Max)
            .With(At(four.Y, load * 4 + 1), least, Max)
            .With(At(four.Z, load * 4 + 2), least, Max)
            .With(At(four.W, load * 4 + 3), least, Max);

    private readonly void Widen(float logit, int token, ref uint lowest, ref uint highest)
    {
        if (token < VocabSize)
        {
            var ordered = At(logit, token);
            lowest = ordered < lowest ? ordered : lowest;
            highest = ordered > highest ? ordered : highest;
        }
    }

    /// <summary>A token's score, ordered; beyond the vocabulary 0, which is below all. Zeros lose their sign: they tie.</summary>
    private readonly uint At(float logit, int token) =>
        token < VocabSize ? DrawKey.Ordered(DrawKey.Unsigned(UnfusedMath.Multiply(logit, Scale))) : 0;
}
