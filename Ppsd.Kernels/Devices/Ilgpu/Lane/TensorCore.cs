using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// The shape that tensor cores multiply (mma.sync.m16n8k16: bf16 in, fp32 sums), and how weights lie for it. Within a tile
/// the sixteen columns of W, which are the rows of x, are dealt out so that a lane's four activations are neighbours: lane
/// 4 r + q holds W[r][4 q, 4 q + 1], W[r + 8][4 q, 4 q + 1], W[r][4 q + 2, 4 q + 3], W[r + 8][4 q + 2, 4 q + 3], two values a
/// word, and of x row c = r the columns 4 q to 4 q + 3. See <see cref="UnitSums"/>.
/// </summary>
internal static class TensorCore
{
    /// <summary>Rows of W in a tile.</summary>
    public const int TileRows = 16;

    /// <summary>Columns of W in a tile.</summary>
    public const int TileColumns = 16;

    /// <summary>Rows of x that one instruction multiplies; columns of the sums.</summary>
    public const int Width = 8;
}
