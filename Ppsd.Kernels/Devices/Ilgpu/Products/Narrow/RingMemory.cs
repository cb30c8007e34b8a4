using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>
/// The dynamic shared memory of a group of <see cref="ProductRing{TForm}"/>, in loads of sixteen bytes: the ring, the warps'
/// sums of two units, the scales, a word. All of it is dynamic, because what a kernel declares lies in front, and copies to a
/// ring that does not begin on a line of 128 bytes move each line twice.
/// </summary>
internal static class RingMemory
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = RowSplits.Count * GroupSum.WarpSize;

    /// <summary>Words of sums from one row of x to the next: neither writing nor reading sums meets a bank twice.</summary>
    public const int SumStride = UnitSchedule.QuadBlocks * TensorCore.TileRows + 4;

    /// <summary>Loads of the scales.</summary>
    public const int ScaleLoads = TensorCore.Width / 4;

    /// <summary>Words of the sums of a unit.</summary>
    /// <param name="width">Rows of x.</param>
    public static int SumWords(int width) => RowSplits.Count * SumStride * width;

    /// <summary>Loads of the ring.</summary>
    public static int RingLoads(int stages, int width) => stages * (RingStage.WeightLoads + RingStage.RowLoads(width));

    /// <summary>Size of all of it, in loads.</summary>
    /// <param name="stages">Stages of the ring.</param>
    /// <param name="width">Rows of x, at most eight.</param>
    public static int Loads(int stages, int width) =>
        RingLoads(stages, width) + 2 * SumWords(width) / 4 + ScaleLoads + 1;
}
