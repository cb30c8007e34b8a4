using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>64 rows of a tile.</summary>
internal readonly struct Rows64 : IWarpgroupForm
{
    public static int RowBlocks => 8;

    public static int Stages => 7;

    public static void Begin()
    {
        CudaAsm.Emit(Rows64Assembly.Declare);
        CudaAsm.Emit(Rows64Assembly.ClearSums);
        CudaAsm.Emit(Rows64Assembly.ClearTotals);
    }

    public static void MultiplyEven(int weights, long cores) =>
        CudaAsm.Emit(Rows64Assembly.MultiplyEven, weights, cores);

    public static void MultiplyOdd(int weights, long cores) => CudaAsm.Emit(Rows64Assembly.MultiplyOdd, weights, cores);

    public static void Take() => CudaAsm.Emit(Rows64Assembly.AddToTotals);

    public static void ClearSums() => CudaAsm.Emit(Rows64Assembly.ClearSums);

    public static void ClearTotals() => CudaAsm.Emit(Rows64Assembly.ClearTotals);

    public static void StoreTotals(long address) => CudaAsm.Emit(Rows64Assembly.StoreTotals, address);

    public static void StoreSums(long address) => CudaAsm.Emit(Rows64Assembly.StoreSums, address);
}
