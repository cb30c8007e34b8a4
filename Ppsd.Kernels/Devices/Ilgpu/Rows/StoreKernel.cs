using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>target[slot of row] = source[row]; one group a row.</summary>
internal static class StoreKernel
{
    public const int GroupSize = 128;

    /// <param name="rows">The step's rows.</param>
    /// <param name="source">[rows, stride].</param>
    /// <param name="target">[slots, stride].</param>
    /// <param name="stride">Values from one row to the next, padding included.</param>
    public static void Execute(RowContexts rows, ArrayView<float> source, ArrayView<float> target, int stride)
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var from = (long)Grid.IdxX * stride;
        var to = (long)rows.Slot(Grid.IdxX) * stride;
        for (var i = Group.IdxX; i < stride; i += Group.DimX)
        {
            target[to + i] = source[from + i];
        }
    }
}
