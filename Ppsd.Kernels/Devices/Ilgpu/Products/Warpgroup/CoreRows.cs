using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// Memory for the rows of products in parts, and whose rows are in it: those of a kernel that writes parts itself are there for the
/// next product, once.
/// </summary>
internal sealed class CoreRows
{
    private object? _owner;
    private int _rows;

    /// <summary>The parts; see <see cref="Rows.CoreRowsView"/>.</summary>
    public ArrayView<UInt4> Packed { get; set; }

    /// <summary>Counters of the product that reads them.</summary>
    public ArrayView<int> Counts { get; set; }

    /// <summary>True behind a product that has made the counters zero, until one counts.</summary>
    public bool HasClearCounts { get; set; }

    /// <summary>The next kernel writes the parts of these rows.</summary>
    public void Give(object owner, int rows)
    {
        _owner = owner;
        _rows = rows;
    }

    /// <summary>True when these rows are there in parts; they are not any more then.</summary>
    public bool TryTake(object owner, int rows)
    {
        var isThere = ReferenceEquals(_owner, owner) && _rows == rows;
        _owner = null;
        return isThere;
    }

    /// <summary>No rows are there, and what counters hold is unknown.</summary>
    public void Forget()
    {
        _owner = null;
        HasClearCounts = false;
    }
}
