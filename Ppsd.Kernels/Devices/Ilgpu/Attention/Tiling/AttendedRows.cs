using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>Where attention's results go, as the output projection reads them.</summary>
internal struct AttendedRows
{
    /// <summary>[rows, stride] in <see cref="TileOrder"/>.</summary>
    public ArrayView<float> Values;

    /// <summary>Values of a row with their padding.</summary>
    public int Stride;

    /// <summary>The same in parts, where a product by warpgroups follows.</summary>
    public CoreRowsView Cores;

    /// <summary>Writes those of four values of a row that the head has.</summary>
    /// <param name="column">The first one's; a multiple of four where parts are written.</param>
    /// <param name="end">Column behind the head's last.</param>
    public readonly void StoreFour(int row, int column, int end, in Float4 values)
    {
        var at = TileOrder.RowAt(row, Stride);
        Store(at, column, end, values.X);
        Store(at, column + 1, end, values.Y);
        Store(at, column + 2, end, values.Z);
        Store(at, column + 3, end, values.W);
        if (Cores.IsUsed && column < end)
        {
            Cores.StoreFour(row, column, values);
        }
    }

    private readonly void Store(long rowAt, int column, int end, float value)
    {
        if (column < end)
        {
            Values[rowAt + TileOrder.ColumnAt(column)] = value;
        }
    }
}
