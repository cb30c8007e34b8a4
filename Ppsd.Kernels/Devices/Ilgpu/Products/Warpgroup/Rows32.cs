using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>32 rows of a tile.</summary>
internal readonly struct Rows32 : IWarpgroupForm
{
    public static int RowBlocks => 4;

    public static int Stages => 9;

    public static void Begin()
    {
        CudaAsm.Emit(Rows32Assembly.Declare);
        CudaAsm.Emit(Rows32Assembly.ClearSums);
        CudaAsm.Emit(Rows32Assembly.ClearTotals);
    }

    public static void MultiplyEven(int weights, long cores) =>
        CudaAsm.Emit(Rows32Assembly.MultiplyEven, weights, cores);

    public static void MultiplyOdd(int weights, long cores) => CudaAsm.Emit(Rows32Assembly.MultiplyOdd, weights, cores);

    public static void Take() => CudaAsm.Emit(Rows32Assembly.AddToTotals);

    public static void ClearSums() => CudaAsm.Emit(Rows32Assembly.ClearSums);

    public static void ClearTotals() => CudaAsm.Emit(Rows32Assembly.ClearTotals);

    public static void StoreTotals(long address) => CudaAsm.Emit(Rows32Assembly.StoreTotals, address);

    public static void StoreSums(long address) => CudaAsm.Emit(Rows32Assembly.StoreSums, address);
}
