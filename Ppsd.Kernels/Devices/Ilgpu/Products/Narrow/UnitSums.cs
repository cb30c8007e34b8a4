using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>
/// Sums of up to four row blocks of a matrix by eight rows of x, a warp's registers, as <see cref="MmaTile"/>s. x comes
/// in fp32 and is split on the way: first the high bf16 parts are multiplied, then the residuals.
/// </summary>
/// <remarks>
/// On a card a stage is one piece of assembly whose registers have names of their own: with eight warps a multiprocessor
/// each instruction counts, and assembly that returns a value stores it to memory first.
/// </remarks>
internal struct UnitSums
{
    // A unit of four row blocks: a tile of each. Of two: pa and pc are tiles of the first, pb and pd of the second.
    private const string ReadQuad =
        "ld.shared.v4.b32 {pa0,pa1,pa2,pa3}, [%0]; ld.shared.v4.b32 {px0,px1,px2,px3}, [%1]; "
        + "ld.shared.v4.b32 {pb0,pb1,pb2,pb3}, [%0+4096]; ld.shared.v4.b32 {pc0,pc1,pc2,pc3}, [%0+8192]; "
        + "ld.shared.v4.b32 {pd0,pd1,pd2,pd3}, [%0+12288]; ";
    private const string ReadPair =
        "ld.shared.v4.b32 {pa0,pa1,pa2,pa3}, [%0]; ld.shared.v4.b32 {pb0,pb1,pb2,pb3}, [%0+8192]; "
        + "ld.shared.v4.b32 {px0,px1,px2,px3}, [%1]; ld.shared.v4.b32 {pc0,pc1,pc2,pc3}, [%0+4096]; "
        + "ld.shared.v4.b32 {pd0,pd1,pd2,pd3}, [%0+12288]; ld.shared.v4.b32 {py0,py1,py2,py3}, [%2]; ";

    // High parts of four values to ph0 and ph1, residuals to pl0 and pl1.
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
    private const string Sums0 = "{tc0,tc1,tc2,tc3}";
    private const string Sums1 = "{tc4,tc5,tc6,tc7}";
    private const string Sums2 = "{tc8,tc9,tc10,tc11}";
    private const string Sums3 = "{tc12,tc13,tc14,tc15}";
    private const string TileA = ", {pa0,pa1,pa2,pa3}, ";
    private const string TileB = ", {pb0,pb1,pb2,pb3}, ";
    private const string TileC = ", {pc0,pc1,pc2,pc3}, ";
    private const string TileD = ", {pd0,pd1,pd2,pd3}, ";
    private const string High = "{ph0,ph1}, ";
    private const string Low = "{pl0,pl1}, ";
    private const string SecondHigh = "{pi0,pi1}, ";
    private const string SecondLow = "{pm0,pm1}, ";
    private const string End = "; ";
    private const string MultiplyFirstPair =
        Product
        + Sums0
        + TileA
        + High
        + Sums0
        + End
        + Product
        + Sums1
        + TileB
        + High
        + Sums1
        + End
        + Product
        + Sums0
        + TileA
        + Low
        + Sums0
        + End
        + Product
        + Sums1
        + TileB
        + Low
        + Sums1
        + End;
    private const string MultiplySecondPair =
        Product
        + Sums0
        + TileC
        + SecondHigh
        + Sums0
        + End
        + Product
        + Sums1
        + TileD
        + SecondHigh
        + Sums1
        + End
        + Product
        + Sums0
        + TileC
        + SecondLow
        + Sums0
        + End
        + Product
        + Sums1
        + TileD
        + SecondLow
        + Sums1
        + End;
    private const string MultiplyQuad =
        Product
        + Sums0
        + TileA
        + High
        + Sums0
        + End
        + Product
        + Sums1
        + TileB
        + High
        + Sums1
        + End
        + Product
        + Sums2
        + TileC
        + High
        + Sums2
        + End
        + Product
        + Sums3
        + TileD
        + High
        + Sums3
        + End
        + Product
        + Sums0
        + TileA
        + Low
        + Sums0
        + End
        + Product
        + Sums1
        + TileB
        + Low
        + Sums1
        + End
        + Product
        + Sums2
        + TileC
        + Low
        + Sums2
        + End
        + Product
        + Sums3
        + TileD
        + Low
        + Sums3
        + End;

    private MmaTile _tile0;
    private MmaTile _tile1;
    private MmaTile _tile2;
    private MmaTile _tile3;

    /// <summary>Declares the registers; once in a kernel, before anything else here.</summary>
    public static void Declare()
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        CudaAsm.Emit(".reg .f32 tc<16>; .reg .b32 pa<4>; .reg .b32 pb<4>; .reg .b32 pc<4>; .reg .b32 pd<4>;");
        CudaAsm.Emit(".reg .b32 px<4>; .reg .b32 py<4>; .reg .b32 pt<4>; .reg .b32 ph<2>;");
        CudaAsm.Emit(".reg .b32 pl<2>; .reg .b32 pi<2>; .reg .b32 pm<2>;");
    }

    /// <summary>Makes the sums zero.</summary>
    public void Clear()
    {
        if (!CudaAsm.IsSupported)
        {
            _tile0 = new MmaTile();
            _tile1 = new MmaTile();
            _tile2 = new MmaTile();
            _tile3 = new MmaTile();
            return;
        }

        CudaAsm.Emit("mov.f32 tc0, 0f00000000; mov.f32 tc1, tc0; mov.f32 tc2, tc0; mov.f32 tc3, tc0;");
        CudaAsm.Emit("mov.f32 tc4, tc0; mov.f32 tc5, tc0; mov.f32 tc6, tc0; mov.f32 tc7, tc0;");
        CudaAsm.Emit("mov.f32 tc8, tc0; mov.f32 tc9, tc0; mov.f32 tc10, tc0; mov.f32 tc11, tc0;");
        CudaAsm.Emit("mov.f32 tc12, tc0; mov.f32 tc13, tc0; mov.f32 tc14, tc0; mov.f32 tc15, tc0;");
    }

    /// <summary>On a card: adds a stage of a unit of four row blocks (<see cref="RingStage"/>).</summary>
    /// <param name="weights">Address of the thread's first load of weights.</param>
    /// <param name="row">Address of its load of x.</param>
    public static void AddQuad(int weights, int row) =>
        CudaAsm.Emit(ReadQuad + SplitFirst + MultiplyQuad, weights, row);

    /// <summary>On a card: adds a stage of a unit of two row blocks.</summary>
    /// <param name="weights">Address of the thread's first load of weights.</param>
    /// <param name="first">Address of its load of x for the first tile of columns.</param>
    /// <param name="second">Address of its load of x for the second.</param>
    public static void AddPair(int weights, int first, int second) =>
        CudaAsm.Emit(
            ReadPair + SplitFirst + SplitSecond + MultiplyFirstPair + MultiplySecondPair,
            weights,
            first,
            second
        );

    /// <summary>The same as <see cref="AddQuad"/> on the simulator; needs a barrier before and after.</summary>
    /// <param name="weights">The ring from the warp's first load of weights on.</param>
    /// <param name="x">The ring from the warp's first load of x on.</param>
    /// <param name="width">Rows of x.</param>
    public void SimulateQuad(ArrayView<UInt4> weights, ArrayView<UInt4> x, int width)
    {
        for (var isLow = 0; isLow < 2; isLow++)
        {
            for (var i = 0; i < 4; i++)
            {
                var even = Even(x, i, width, isLow);
                var odd = Odd(x, i, width, isLow);
                var row = 4 * (Warp.LaneIdx >> 2) + i;
                _tile0.AddWords(weights[row], even, odd);
                _tile1.AddWords(weights[row + RingStage.TileLoads], even, odd);
                _tile2.AddWords(weights[row + 2 * RingStage.TileLoads], even, odd);
                _tile3.AddWords(weights[row + 3 * RingStage.TileLoads], even, odd);
            }
        }
    }

    /// <summary>The same as <see cref="AddPair"/> on the simulator; needs a barrier before and after.</summary>
    /// <param name="weights">The ring from the warp's first load of weights on.</param>
    /// <param name="x">The ring from the warp's first load of x on.</param>
    /// <param name="width">Rows of x.</param>
    public void SimulatePair(ArrayView<UInt4> weights, ArrayView<UInt4> x, int width)
    {
        for (var round = 0; round < 2; round++)
        {
            var first = weights.SubView(round * RingStage.TileLoads, GroupSum.WarpSize);
            var second = weights.SubView((round + 2) * RingStage.TileLoads, GroupSum.WarpSize);
            var rows = x.SubView(
                round * RingStage.TileRowLoads(width),
                RingStage.TileRowLoads(1) / RowSplits.Count * width
            );
            for (var isLow = 0; isLow < 2; isLow++)
            {
                for (var i = 0; i < 4; i++)
                {
                    var even = Even(rows, i, width, isLow);
                    var odd = Odd(rows, i, width, isLow);
                    var row = 4 * (Warp.LaneIdx >> 2) + i;
                    _tile0.AddWords(first[row], even, odd);
                    _tile1.AddWords(second[row], even, odd);
                }
            }
        }
    }

    /// <summary>
    /// Writes the sums, [column, <see cref="RingMemory.SumStride"/>]: outputs of the first block, of the second, and so on.
    /// Columns beyond the last row of x have no place.
    /// </summary>
    /// <param name="sums">The warp's part of the group's sums.</param>
    /// <param name="address">Its address in shared memory on the card.</param>
    /// <param name="width">Rows of x.</param>
    public readonly void Store(ArrayView<float> sums, int address, int width)
    {
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var column = 2 * (lane & 3);
        var at = column * RingMemory.SumStride + (lane >> 2);
        if (column < width)
        {
            if (CudaAsm.IsSupported)
            {
                CudaAsm.Emit(
                    "st.shared.f32 [%0], tc0; st.shared.f32 [%0+32], tc2; st.shared.f32 [%0+64], tc4; "
                        + "st.shared.f32 [%0+96], tc6; st.shared.f32 [%0+128], tc8; st.shared.f32 [%0+160], tc10; "
                        + "st.shared.f32 [%0+192], tc12; st.shared.f32 [%0+224], tc14;",
                    address + at * sizeof(float)
                );
            }
            else
            {
                StoreColumn(sums, at, _tile0.C0, _tile0.C2, 0);
                StoreColumn(sums, at, _tile1.C0, _tile1.C2, 1);
                StoreColumn(sums, at, _tile2.C0, _tile2.C2, 2);
                StoreColumn(sums, at, _tile3.C0, _tile3.C2, 3);
            }
        }

        at += RingMemory.SumStride;
        if (column + 1 < width)
        {
            if (CudaAsm.IsSupported)
            {
                CudaAsm.Emit(
                    "st.shared.f32 [%0], tc1; st.shared.f32 [%0+32], tc3; st.shared.f32 [%0+64], tc5; "
                        + "st.shared.f32 [%0+96], tc7; st.shared.f32 [%0+128], tc9; st.shared.f32 [%0+160], tc11; "
                        + "st.shared.f32 [%0+192], tc13; st.shared.f32 [%0+224], tc15;",
                    address + at * sizeof(float)
                );
            }
            else
            {
                StoreColumn(sums, at, _tile0.C1, _tile0.C3, 0);
                StoreColumn(sums, at, _tile1.C1, _tile1.C3, 1);
                StoreColumn(sums, at, _tile2.C1, _tile2.C3, 2);
                StoreColumn(sums, at, _tile3.C1, _tile3.C3, 3);
            }
        }
    }

    /// <summary>Four values of the first of the lane's two rows of x, which lies with a neighbour on the simulator.</summary>
    private static ulong Even(ArrayView<UInt4> x, int i, int width, int isLow) =>
        Part(x[RowLoad(2 * (Warp.LaneIdx & 3), width) + i], isLow);

    private static ulong Odd(ArrayView<UInt4> x, int i, int width, int isLow) =>
        Part(x[RowLoad(2 * (Warp.LaneIdx & 3) + 1, width) + i], isLow);

    private static int RowLoad(int row, int width) => 4 * (row < width ? row : width - 1);

    /// <summary>High bf16 parts of four values, or their residuals.</summary>
    private static ulong Part(UInt4 x, int isLow)
    {
        var x0 = Interop.IntAsFloat(x.X);
        var x1 = Interop.IntAsFloat(x.Y);
        var x2 = Interop.IntAsFloat(x.Z);
        var x3 = Interop.IntAsFloat(x.W);
        var high0 = DeviceBFloat16.Pack(x0, x1);
        var high1 = DeviceBFloat16.Pack(x2, x3);
        return isLow == 0
            ? high0 | ((ulong)high1 << 32)
            : DeviceBFloat16.PackRest(x0, x1, high0) | ((ulong)DeviceBFloat16.PackRest(x2, x3, high1) << 32);
    }

    private static void StoreColumn(ArrayView<float> sums, int at, float upper, float lower, int block)
    {
        sums[at + block * TensorCore.TileRows] = upper;
        sums[at + block * TensorCore.TileRows + 8] = lower;
    }
}
