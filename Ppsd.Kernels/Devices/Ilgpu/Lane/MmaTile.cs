using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// A lane's part of a product tile of <c>mma.sync.m16n8k16</c>: with r = lane / 4 and c = lane % 4 * 2, the values of row
/// r and columns c, c + 1 (<see cref="C0"/>, <see cref="C1"/>), then those of row r + 8.
/// </summary>
internal struct MmaTile
{
    public float C0;
    public float C1;
    public float C2;
    public float C3;

    /// <summary>Adds another tile's sums.</summary>
    public void Add(in MmaTile sums)
    {
        C0 += sums.C0;
        C1 += sums.C1;
        C2 += sums.C2;
        C3 += sums.C3;
    }

    /// <summary>
    /// Adds A B to the tile, A [16, 16] and B [16, 8] in bf16, two values a word, as ILGPU's simulator does it: lanes show
    /// each other their words. All 32 lanes must arrive.
    /// </summary>
    /// <param name="a0">Row r of A, k = c and c + 1.</param>
    /// <param name="a1">Row r + 8, the same k.</param>
    /// <param name="a2">Row r, k = c + 8 and c + 9.</param>
    /// <param name="a3">Row r + 8, k = c + 8 and c + 9.</param>
    /// <param name="b0">Column r of B, k = c and c + 1.</param>
    /// <param name="b1">Column r of B, k = c + 8 and c + 9.</param>
    public void Simulate(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
    {
        var lane = Warp.LaneIdx;
        var lowRow = a0 | ((ulong)a2 << 32);
        var highRow = a1 | ((ulong)a3 << 32);
        var column = b0 | ((ulong)b1 << 32);
        for (var i = 0; i < 4; i++)
        {
            // Lanes of one row of A, or of one column of B, are neighbours and share the sixteen k.
            var low = Warp.Shuffle(lowRow, lane / 4 * 4 + i);
            var high = Warp.Shuffle(highRow, lane / 4 * 4 + i);
            var even = Warp.Shuffle(column, lane % 4 * 8 + i);
            var odd = Warp.Shuffle(column, lane % 4 * 8 + 4 + i);
            AddWords(low, high, even, odd);
        }
    }

    /// <summary>A step of the simulator's sum: four k of two rows of A by two columns of B.</summary>
    /// <param name="low">Row r.</param>
    /// <param name="high">Row r + 8.</param>
    /// <param name="even">Column c.</param>
    /// <param name="odd">Column c + 1.</param>
    public void AddWords(ulong low, ulong high, ulong even, ulong odd)
    {
        C0 = Add(C0, low, even);
        C1 = Add(C1, low, odd);
        C2 = Add(C2, high, even);
        C3 = Add(C3, high, odd);
    }

    /// <summary>The same for both rows as a lane loads them; see <see cref="TensorCore"/>.</summary>
    public void AddWords(UInt4 weights, ulong even, ulong odd) =>
        AddWords(weights.X | ((ulong)weights.Z << 32), weights.Y | ((ulong)weights.W << 32), even, odd);

    /// <summary>
    /// As <see cref="Simulate"/>, of x in two parts (<see cref="RowPackKernel"/>), with a lane looking into its neighbours'
    /// loads in shared memory: a barrier must stand before.
    /// </summary>
    /// <param name="weights">The warp's loads of a tile of weights.</param>
    /// <param name="x">The warp's loads of the rows' parts.</param>
    public void SimulateParts(ArrayView<UInt4> weights, ArrayView<UInt4> x)
    {
        var row = 4 * (Warp.LaneIdx >> 2);
        var column = 8 * (Warp.LaneIdx & 3);
        for (var isLow = 0; isLow < 2; isLow++)
        {
            for (var i = 0; i < 4; i++)
            {
                AddWords(weights[row + i], Part(x[column + i], isLow), Part(x[column + 4 + i], isLow));
            }
        }
    }

    private static ulong Part(UInt4 x, int isLow) => isLow == 0 ? x.X | ((ulong)x.Y << 32) : x.Z | ((ulong)x.W << 32);

    private static float Add(float sum, ulong a, ulong b) =>
        Dot(Dot(sum, (uint)a, (uint)b), (uint)(a >> 32), (uint)(b >> 32));

    private static float Dot(float sum, uint a, uint b) =>
        sum + DeviceBFloat16.Low(a) * DeviceBFloat16.Low(b) + DeviceBFloat16.High(a) * DeviceBFloat16.High(b);
}
