using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>Operands of a product. Copies to shared memory take addresses, which are 0 on the simulator.</summary>
internal struct ProductSource
{
    /// <summary>The matrix.</summary>
    public TiledWeights Weights;

    /// <summary>Address of its loads on the card.</summary>
    public long WeightAddress;

    /// <summary>The schedule of row blocks.</summary>
    public UnitSchedule Schedule;

    /// <summary>Rows of x, in <see cref="TileOrder"/>.</summary>
    public NormedRowsView X;

    /// <summary>Their address on the card.</summary>
    public long XAddress;

    /// <summary>Number of rows.</summary>
    public int Rows;

    /// <summary>Rows that a group multiplies at once, at most eight.</summary>
    public int Width;
}
