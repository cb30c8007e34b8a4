using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>What a product multiplies; copies to shared memory take addresses, which are 0 on the simulator.</summary>
internal struct ProductSource
{
    /// <summary>The matrix.</summary>
    public TiledWeights Weights;

    /// <summary>Where its loads lie on the card.</summary>
    public long WeightAddress;

    /// <summary>Who multiplies what.</summary>
    public UnitSchedule Schedule;

    /// <summary>Rows of x, in <see cref="TileOrder"/>.</summary>
    public NormedRowsView X;

    /// <summary>Where they lie on the card.</summary>
    public long XAddress;

    /// <summary>How many of them.</summary>
    public int Rows;

    /// <summary>Rows that a group multiplies at once, at most eight.</summary>
    public int Width;
}
