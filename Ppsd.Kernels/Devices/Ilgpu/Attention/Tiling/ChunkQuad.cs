using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>A lane's four values of four chunks, one after another; or sums of every fourth.</summary>
internal struct ChunkQuad
{
    public Float4 C0;
    public Float4 C1;
    public Float4 C2;
    public Float4 C3;

    /// <summary>
    /// First of the four values of a head that a place of its weighted values holds: the first halves of all groups of
    /// eight, then the second halves.
    /// </summary>
    /// <param name="loads">Places of a head.</param>
    public static int FirstValue(int place, int loads)
    {
        var eights = loads >> 1;
        return 8 * (place & (eights - 1)) + (place < eights ? 0 : 4);
    }

    /// <summary>Loads four chunks; past the last one it is loaded again.</summary>
    /// <param name="weighted">[chunk, loads].</param>
    /// <param name="chunks">Number of chunks.</param>
    /// <param name="loads">Loads of a chunk.</param>
    /// <param name="load">The lane's.</param>
    public static ChunkQuad Load(ArrayView<Float4> weighted, int chunk, int chunks, int loads, int load) =>
        new()
        {
            C0 = weighted[XMath.Min(chunk, chunks - 1) * loads + load],
            C1 = weighted[XMath.Min(chunk + 1, chunks - 1) * loads + load],
            C2 = weighted[XMath.Min(chunk + 2, chunks - 1) * loads + load],
            C3 = weighted[XMath.Min(chunk + 3, chunks - 1) * loads + load],
        };

    /// <summary>Adds each chunk, weighted, to its own sum; all lanes must arrive.</summary>
    /// <param name="sums">Receives the values.</param>
    /// <param name="divisors">Receives the chunks' sums of weights.</param>
    /// <param name="factor">Lane i holds a chunk's factor.</param>
    /// <param name="sum">Lane i holds its weighted sum of weights.</param>
    /// <param name="lane">Lane of the first chunk; the others follow.</param>
    public readonly void AddTo(ref ChunkQuad sums, ref Float4 divisors, float factor, float sum, int lane)
    {
        Add(C0, Warp.Shuffle(factor, lane), ref sums.C0);
        Add(C1, Warp.Shuffle(factor, lane + 1), ref sums.C1);
        Add(C2, Warp.Shuffle(factor, lane + 2), ref sums.C2);
        Add(C3, Warp.Shuffle(factor, lane + 3), ref sums.C3);
        divisors.X += Warp.Shuffle(sum, lane);
        divisors.Y += Warp.Shuffle(sum, lane + 1);
        divisors.Z += Warp.Shuffle(sum, lane + 2);
        divisors.W += Warp.Shuffle(sum, lane + 3);
    }

    private static void Add(in Float4 part, float factor, ref Float4 value)
    {
        value.X += factor * part.X;
        value.Y += factor * part.Y;
        value.Z += factor * part.Z;
        value.W += factor * part.W;
    }
}
