namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>Where the operands of one block of <see cref="CpuMatMul"/> lie.</summary>
internal unsafe ref struct MatMulBlock
{
    /// <summary>First tile.</summary>
    public byte* Weights;

    /// <summary>Bytes from one tile to the next.</summary>
    public long TileBytes;

    /// <summary>Column pairs to add.</summary>
    public int Pairs;

    /// <summary>The only row's input, where there is one.</summary>
    public float* Row;

    /// <summary>The rows' input as <see cref="RowPanels"/> hold it, where there are several.</summary>
    public float* Panel;

    /// <summary>
    /// Of each row the sixteen sums of even columns so far, then those of odd ones, to be added to; of one row the results of each
    /// tile.
    /// </summary>
    public float* Sums;
}
