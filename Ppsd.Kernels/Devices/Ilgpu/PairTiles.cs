using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Sums of two row blocks of a matrix by eight rows of x, a warp's registers, as <see cref="MmaTile"/>s. x comes in fp32
/// and is split on the way: first its upper bf16 parts are multiplied, then what they leave.
/// </summary>
/// <remarks>
/// On a card a stage is one piece of assembly whose registers have names of their own: with eight warps a multiprocessor
/// each instruction counts, and assembly that returns a value stores it to memory first.
/// </remarks>
internal struct PairTiles
{
    private const string ReadStage =
        "ld.shared.v4.b32 {pa0,pa1,pa2,pa3}, [%0]; ld.shared.v4.b32 {pb0,pb1,pb2,pb3}, [%0+8192]; "
        + "ld.shared.v4.b32 {px0,px1,px2,px3}, [%0+16384]; ld.shared.v4.b32 {pc0,pc1,pc2,pc3}, [%0+4096]; "
        + "ld.shared.v4.b32 {pd0,pd1,pd2,pd3}, [%0+12288]; ld.shared.v4.b32 {py0,py1,py2,py3}, [%0+20480]; ";

    // Upper parts of four values to ph0 and ph1, what they leave to pl0 and pl1.
    private const string SplitFirst =
        "cvt.rn.bf16x2.f32 ph0, px1, px0; cvt.rn.bf16x2.f32 ph1, px3, px2; "
        + "shl.b32 pt0, ph0, 16; and.b32 pt1, ph0, 0xffff0000; shl.b32 pt2, ph1, 16; and.b32 pt3, ph1, 0xffff0000; "
        + "sub.ftz.f32 pt0, px0, pt0; sub.ftz.f32 pt1, px1, pt1; sub.ftz.f32 pt2, px2, pt2; sub.ftz.f32 pt3, px3, pt3; "
        + "cvt.rn.bf16x2.f32 pl0, pt1, pt0; cvt.rn.bf16x2.f32 pl1, pt3, pt2; ";
    private const string SplitSecond =
        "cvt.rn.bf16x2.f32 pi0, py1, py0; cvt.rn.bf16x2.f32 pi1, py3, py2; "
        + "shl.b32 pt0, pi0, 16; and.b32 pt1, pi0, 0xffff0000; shl.b32 pt2, pi1, 16; and.b32 pt3, pi1, 0xffff0000; "
        + "sub.ftz.f32 pt0, py0, pt0; sub.ftz.f32 pt1, py1, pt1; sub.ftz.f32 pt2, py2, pt2; sub.ftz.f32 pt3, py3, pt3; "
        + "cvt.rn.bf16x2.f32 pm0, pt1, pt0; cvt.rn.bf16x2.f32 pm1, pt3, pt2; ";
    private const string Product = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ";
    private const string First = "{tc0,tc1,tc2,tc3}";
    private const string Second = "{tc4,tc5,tc6,tc7}";
    private const string MultiplyFirst =
        Product
        + First
        + ", {pa0,pa1,pa2,pa3}, {ph0,ph1}, "
        + First
        + "; "
        + Product
        + Second
        + ", {pb0,pb1,pb2,pb3}, {ph0,ph1}, "
        + Second
        + "; "
        + Product
        + First
        + ", {pa0,pa1,pa2,pa3}, {pl0,pl1}, "
        + First
        + "; "
        + Product
        + Second
        + ", {pb0,pb1,pb2,pb3}, {pl0,pl1}, "
        + Second
        + "; ";
    private const string MultiplySecond =
        Product
        + First
        + ", {pc0,pc1,pc2,pc3}, {pi0,pi1}, "
        + First
        + "; "
        + Product
        + Second
        + ", {pd0,pd1,pd2,pd3}, {pi0,pi1}, "
        + Second
        + "; "
        + Product
        + First
        + ", {pc0,pc1,pc2,pc3}, {pm0,pm1}, "
        + First
        + "; "
        + Product
        + Second
        + ", {pd0,pd1,pd2,pd3}, {pm0,pm1}, "
        + Second
        + ";";

    private MmaTile _first;
    private MmaTile _second;

    /// <summary>Declares the registers; once in a kernel, before anything else here.</summary>
    public static void Declare()
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        CudaAsm.Emit(".reg .f32 tc<8>; .reg .b32 pa<4>; .reg .b32 pb<4>; .reg .b32 pc<4>; .reg .b32 pd<4>;");
        CudaAsm.Emit(".reg .b32 px<4>; .reg .b32 py<4>; .reg .b32 pt<4>; .reg .b32 ph<2>;");
        CudaAsm.Emit(".reg .b32 pl<2>; .reg .b32 pi<2>; .reg .b32 pm<2>;");
    }

    /// <summary>Makes the sums zero.</summary>
    public void Clear()
    {
        if (!CudaAsm.IsSupported)
        {
            _first = new MmaTile();
            _second = new MmaTile();
            return;
        }

        CudaAsm.Emit(
            "mov.f32 tc0, 0f00000000; mov.f32 tc1, 0f00000000; mov.f32 tc2, 0f00000000; mov.f32 tc3, 0f00000000;"
        );
        CudaAsm.Emit(
            "mov.f32 tc4, 0f00000000; mov.f32 tc5, 0f00000000; mov.f32 tc6, 0f00000000; mov.f32 tc7, 0f00000000;"
        );
    }

    /// <summary>On a card: adds what the thread's part of a stage holds (<see cref="RingStage"/>).</summary>
    /// <param name="address">Of the thread's first load of the stage.</param>
    public static void AddStage(int address) =>
        CudaAsm.Emit(ReadStage + SplitFirst + SplitSecond + MultiplyFirst + MultiplySecond, address);

    /// <summary>
    /// On the simulator: adds a tile of columns of both row blocks. A lane looks into its neighbours' loads where a card's
    /// lanes hand them over; barriers must stand before and after.
    /// </summary>
    /// <param name="first">The warp's weights of the first block; see <see cref="TensorCore"/>.</param>
    /// <param name="second">The warp's weights of the second block.</param>
    /// <param name="x">The warp's values of x, fp32, four a lane.</param>
    public void Simulate(ArrayView<UInt4> first, ArrayView<UInt4> second, ArrayView<UInt4> x)
    {
        var lane = Warp.LaneIdx;
        var row = 4 * (lane >> 2);
        var column = 8 * (lane & 3);
        for (var isLow = 0; isLow < 2; isLow++)
        {
            for (var i = 0; i < 4; i++)
            {
                var even = Part(x[column + i], isLow);
                var odd = Part(x[column + 4 + i], isLow);
                _first.AddWords(first[row + i], even, odd);
                _second.AddWords(second[row + i], even, odd);
            }
        }
    }

    /// <summary>Writes the sums, [column, 36]: outputs of the first block, then of the second; the lane's own of both.</summary>
    /// <param name="sums">The warp's part of the group's sums.</param>
    /// <param name="address">Where it lies in shared memory on the card.</param>
    public readonly void Store(ArrayView<float> sums, int address)
    {
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var at = 2 * (lane & 3) * ProductRing.SumStride + (lane >> 2);
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "st.shared.f32 [%0], tc0; st.shared.f32 [%0+144], tc1; st.shared.f32 [%0+32], tc2; "
                    + "st.shared.f32 [%0+176], tc3; st.shared.f32 [%0+64], tc4; st.shared.f32 [%0+208], tc5; "
                    + "st.shared.f32 [%0+96], tc6; st.shared.f32 [%0+240], tc7;",
                address + at * sizeof(float)
            );
            return;
        }

        StoreOne(sums, _first, at);
        StoreOne(sums, _second, at + TensorCore.TileRows);
    }

    /// <summary>Upper bf16 parts of four values, or what they leave.</summary>
    private static ulong Part(UInt4 x, int isLow)
    {
        var x0 = Interop.IntAsFloat(x.X);
        var x1 = Interop.IntAsFloat(x.Y);
        var x2 = Interop.IntAsFloat(x.Z);
        var x3 = Interop.IntAsFloat(x.W);
        var high0 = BFloat16.Pack(x0, x1);
        var high1 = BFloat16.Pack(x2, x3);
        return isLow == 0
            ? high0 | ((ulong)high1 << 32)
            : BFloat16.PackRest(x0, x1, high0) | ((ulong)BFloat16.PackRest(x2, x3, high1) << 32);
    }

    private static void StoreOne(ArrayView<float> sums, in MmaTile tile, int at)
    {
        sums[at] = tile.C0;
        sums[at + ProductRing.SumStride] = tile.C1;
        sums[at + 8] = tile.C2;
        sums[at + ProductRing.SumStride + 8] = tile.C3;
    }
}
