using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>
/// Lays fp32 operands out as the wide product of the stages reads them, see <see cref="TensorCore"/>: the row operand in two
/// bf16 parts that together hold 16 bits of a value, the other rounded to bf16. A thread makes a lane's load of 16 bytes;
/// the grid is [tiles of a row, groups of row blocks].
/// </summary>
internal static class OperandPacking
{
    /// <summary>Threads of a group: eight blocks of rows.</summary>
    public const int GroupSize = 256;

    /// <summary>Blocks of rows that a group packs.</summary>
    public const int GroupBlocks = GroupSize / GroupSum.WarpSize;

    /// <summary>Row operand: blocks of eight rows.</summary>
    public static void Parts(OperandView source, int tilesPerRow, int blocks, ArrayView<UInt4> target)
    {
        var block = Grid.IdxY * GroupBlocks + (Group.IdxX >> 5);
        if (block >= blocks)
        {
            return;
        }

        var lane = Group.IdxX & 31;
        var row = block * 8 + (lane >> 2);
        var depth = Grid.IdxX * 16 + (lane & 3) * 4;
        var first = source.At(row, depth);
        var second = source.At(row, depth + 1);
        var third = source.At(row, depth + 2);
        var fourth = source.At(row, depth + 3);
        var parts = new UInt4 { X = DeviceBFloat16.Pack(first, second), Y = DeviceBFloat16.Pack(third, fourth) };
        parts.Z = DeviceBFloat16.PackRest(first, second, parts.X);
        parts.W = DeviceBFloat16.PackRest(third, fourth, parts.Y);
        target[((long)block * tilesPerRow + Grid.IdxX) * 32 + lane] = parts;
    }

    /// <summary>Other operand: blocks of sixteen rows.</summary>
    public static void Tiles(OperandView source, int tilesPerRow, int blocks, ArrayView<UInt4> target)
    {
        var block = Grid.IdxY * GroupBlocks + (Group.IdxX >> 5);
        if (block >= blocks)
        {
            return;
        }

        var lane = Group.IdxX & 31;
        var row = block * 16 + (lane >> 2);
        var depth = Grid.IdxX * 16 + (lane & 3) * 4;
        target[((long)block * tilesPerRow + Grid.IdxX) * 32 + lane] = new UInt4
        {
            X = DeviceBFloat16.Pack(source.At(row, depth), source.At(row, depth + 1)),
            Y = DeviceBFloat16.Pack(source.At(row + 8, depth), source.At(row + 8, depth + 1)),
            Z = DeviceBFloat16.Pack(source.At(row, depth + 2), source.At(row, depth + 3)),
            W = DeviceBFloat16.Pack(source.At(row + 8, depth + 2), source.At(row + 8, depth + 3)),
        };
    }
}
