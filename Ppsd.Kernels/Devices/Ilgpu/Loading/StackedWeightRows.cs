using System.Runtime.InteropServices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices.Ilgpu.Loading;

/// <summary>The rows of several weights on top of each other, copied out by several threads; rows past the end are zero.</summary>
internal sealed class StackedWeightRows(Weight[] parts)
{
    /// <summary>Copies rows as bf16; the weights must be bf16.</summary>
    /// <param name="columns">Values of a row.</param>
    /// <param name="stride">Values from one row to the next in the target; those beyond the columns become zero.</param>
    /// <param name="target">[rows, stride].</param>
    public unsafe void CopyBFloat16(int firstRow, int rows, int columns, int stride, Span<byte> target)
    {
        var columnBytes = columns * sizeof(ushort);
        fixed (byte* start = target)
        {
            var address = (nint)start;
            Parallel.For(
                0,
                rows,
                row =>
                {
                    var to = new Span<byte>(
                        (byte*)address + (long)row * stride * sizeof(ushort),
                        stride * sizeof(ushort)
                    );
                    to[columnBytes..].Clear();
                    if (Find(firstRow + row, out var partRow) is not { } part)
                    {
                        to.Clear();
                    }
                    else if (part.TryGetRow(partRow, out var bytes))
                    {
                        bytes.CopyTo(to);
                    }
                    else
                    {
                        ReadRow(part, partRow, MemoryMarshal.Cast<byte, ushort>(to[..columnBytes]));
                    }
                }
            );
        }
    }

    /// <summary>Copies rows as fp32; arguments as above.</summary>
    public unsafe void CopyFloat32(int firstRow, int rows, int columns, int stride, Span<byte> target)
    {
        fixed (byte* start = target)
        {
            var address = (nint)start;
            Parallel.For(
                0,
                rows,
                row =>
                {
                    var to = new Span<float>((float*)address + (long)row * stride, stride);
                    to[columns..].Clear();
                    Find(firstRow + row, out var partRow)?.ReadRow(partRow, to[..columns]);
                }
            );
        }
    }

    private static void ReadRow(Weight weight, long row, Span<ushort> target)
    {
        var single = new float[target.Length];
        weight.ReadRow(row, single);
        for (var column = 0; column < single.Length; column++)
        {
            target[column] = (ushort)(BitConverter.SingleToUInt32Bits(single[column]) >> 16);
        }
    }

    private Weight? Find(long row, out long partRow)
    {
        partRow = row;
        foreach (var part in parts)
        {
            if (partRow < part.RowCount)
            {
                return part;
            }

            partRow -= part.RowCount;
        }

        return null;
    }
}
