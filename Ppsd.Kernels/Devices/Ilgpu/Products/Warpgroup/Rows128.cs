using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>128 rows of a tile.</summary>
internal readonly struct Rows128 : IWarpgroupForm
{
    public static int RowBlocks => 16;

    public static int Stages => 4;

    public static void Begin()
    {
        CudaAsm.Emit(Rows128Assembly.Declare);
        CudaAsm.Emit(Rows128Assembly.ClearSums);
        CudaAsm.Emit(Rows128Assembly.ClearTotals);
    }

    public static void MultiplyEven(int weights, long cores) =>
        CudaAsm.Emit(Rows128Assembly.MultiplyEven, weights, cores);

    public static void MultiplyOdd(int weights, long cores) =>
        CudaAsm.Emit(Rows128Assembly.MultiplyOdd, weights, cores);

    public static void Take() => CudaAsm.Emit(Rows128Assembly.AddToTotals);

    public static void ClearSums() => CudaAsm.Emit(Rows128Assembly.ClearSums);

    public static void ClearTotals() => CudaAsm.Emit(Rows128Assembly.ClearTotals);

    public static void StoreTotals(long address) => CudaAsm.Emit(Rows128Assembly.StoreTotals, address);

    public static void StoreSums(long address) => CudaAsm.Emit(Rows128Assembly.StoreSums, address);
}
