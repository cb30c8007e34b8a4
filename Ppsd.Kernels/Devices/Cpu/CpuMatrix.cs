using System.Runtime.InteropServices;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// A weight matrix packed for <see cref="CpuMatMul"/>: tiles of 16 output rows, so that a vector's lanes are outputs
/// and no sum crosses lanes. Within a tile, column pairs follow one another.
/// bf16: 64 bytes per column pair, lane o holding w[o][2k] in its low half and w[o][2k+1] in its high half.
/// fp32 (for fp16 and fp32 checkpoints, which bf16 could not hold exactly): 128 bytes per pair, the sixteen w[o][2k]
/// and then the sixteen w[o][2k+1].
/// Rows are padded to whole tiles and columns to whole pairs with zeros.
/// </summary>
internal sealed unsafe class CpuMatrix : WeightMatrix
{
    private readonly AlignedMemory _memory;

    public CpuMatrix(int rows, int columns, ElementType elementType)
        : base(rows, columns)
    {
        IsBFloat16 = elementType == ElementType.BFloat16;
        PairCount = (columns + 1) / 2;
        TileCount = Lanes.RoundUp(rows) / Lanes.Count;
        TileBytes = (long)PairCount * Lanes.Count * 2 * (IsBFloat16 ? sizeof(ushort) : sizeof(float));
        _memory = new AlignedMemory(TileBytes * TileCount);
    }

    /// <summary>True when weights are bf16, false when fp32.</summary>
    public bool IsBFloat16 { get; }

    /// <summary>Column pairs per row.</summary>
    public int PairCount { get; }

    /// <summary>Tiles of 16 output rows.</summary>
    public int TileCount { get; }

    /// <summary>Bytes from one tile to the next.</summary>
    public long TileBytes { get; }

    public override long ByteCount => TileBytes * TileCount;

    /// <summary>First byte of a tile.</summary>
    public byte* Tile(int tile) => (byte*)_memory.Pointer + tile * TileBytes;

    /// <summary>Packs one row given as raw bf16 values.</summary>
    public void PackBFloat16(int row, ReadOnlySpan<byte> source)
    {
        var values = MemoryMarshal.Cast<byte, ushort>(source);
        var lane = (ushort*)Tile(row / Lanes.Count) + row % Lanes.Count * 2;
        for (var column = 0; column < Columns; column++)
        {
            lane[(long)(column / 2) * Lanes.Count * 2 + column % 2] = values[column];
        }
    }

    /// <summary>Packs one row given as fp32 values, which a bf16 matrix must be able to hold exactly.</summary>
    public void PackFloat32(int row, ReadOnlySpan<float> values)
    {
        if (IsBFloat16)
        {
            var halves = (ushort*)Tile(row / Lanes.Count) + row % Lanes.Count * 2;
            for (var column = 0; column < Columns; column++)
            {
                halves[(long)(column / 2) * Lanes.Count * 2 + column % 2] = (ushort)(
                    BitConverter.SingleToUInt32Bits(values[column]) >> 16
                );
            }

            return;
        }

        var lane = (float*)Tile(row / Lanes.Count) + row % Lanes.Count;
        for (var column = 0; column < Columns; column++)
        {
            lane[(long)column * Lanes.Count] = values[column];
        }
    }

    /// <summary>Unpacks one row to fp32.</summary>
    public void UnpackRow(int row, float* target)
    {
        if (IsBFloat16)
        {
            var lane = (ushort*)Tile(row / Lanes.Count) + row % Lanes.Count * 2;
            for (var column = 0; column < Columns; column++)
            {
                var bits = (uint)lane[(long)(column / 2) * Lanes.Count * 2 + column % 2] << 16;
                target[column] = BitConverter.UInt32BitsToSingle(bits);
            }

            return;
        }

        var single = (float*)Tile(row / Lanes.Count) + row % Lanes.Count;
        for (var column = 0; column < Columns; column++)
        {
            target[column] = single[(long)column * Lanes.Count];
        }
    }

    public override void Dispose() => _memory.Dispose();
}
