namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>Where the operands of one block of <see cref="CpuMatMul"/> lie.</summary>
internal unsafe ref struct MatMulBlock
{
    /// <summary>First tile.</summary>
    public byte* Weights;

    /// <summary>Bytes from one tile to the next.</summary>
    public long TileBytes;

    /// <summary>Column pairs of a tile.</summary>
    public int Pairs;

    /// <summary>First row's input.</summary>
    public float* X;

    /// <summary>Values from one row's input to the next.</summary>
    public long XStride;

    /// <summary>First row's sixteen outputs of the first tile; the next tile's follow.</summary>
    public float* Y;

    /// <summary>Values from one row's outputs to the next.</summary>
    public long YStride;

    /// <summary>True to add to what is there.</summary>
    public bool Accumulate;
}
