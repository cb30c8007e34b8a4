using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Up to sixteen <see cref="MmaTile"/>s of a warp that kernels accumulate into, by number; numbers must be literals. On a
/// card the sums live in registers that have names of their own: inline assembly that takes references would store every
/// operand of every product to memory first, which costs more than the products.
/// </summary>
internal struct TensorTiles
{
    private const string Multiply = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ";
    private const string Operands = ", {%0,%1,%2,%3}, {%4,%5}, ";

    private MmaTile _t0;
    private MmaTile _t1;
    private MmaTile _t2;
    private MmaTile _t3;
    private MmaTile _t4;
    private MmaTile _t5;
    private MmaTile _t6;
    private MmaTile _t7;
    private MmaTile _t8;
    private MmaTile _t9;
    private MmaTile _t10;
    private MmaTile _t11;
    private MmaTile _t12;
    private MmaTile _t13;
    private MmaTile _t14;
    private MmaTile _t15;

    /// <summary>Declares the registers; once in a kernel, before anything else here.</summary>
    public static void Declare()
    {
        // Written this way round the declaration stands where it is reached, ahead of all uses in the text.
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        CudaAsm.Emit(".reg .f32 tc<64>;");
    }

    /// <summary>Makes a tile zero.</summary>
    public void Clear(int tile)
    {
        if (!CudaAsm.IsSupported)
        {
            Set(tile, new MmaTile());
            return;
        }

        switch (tile)
        {
            case 0:
                CudaAsm.Emit(
                    "mov.f32 tc0, 0f00000000; mov.f32 tc1, 0f00000000; mov.f32 tc2, 0f00000000; mov.f32 tc3, 0f00000000;"
                );
                break;
            case 1:
                CudaAsm.Emit(
                    "mov.f32 tc4, 0f00000000; mov.f32 tc5, 0f00000000; mov.f32 tc6, 0f00000000; mov.f32 tc7, 0f00000000;"
                );
                break;
            case 2:
                CudaAsm.Emit(
                    "mov.f32 tc8, 0f00000000; mov.f32 tc9, 0f00000000; mov.f32 tc10, 0f00000000; mov.f32 tc11, 0f00000000;"
                );
                break;
            case 3:
                CudaAsm.Emit(
                    "mov.f32 tc12, 0f00000000; mov.f32 tc13, 0f00000000; mov.f32 tc14, 0f00000000; mov.f32 tc15, 0f00000000;"
                );
                break;
            case 4:
                CudaAsm.Emit(
                    "mov.f32 tc16, 0f00000000; mov.f32 tc17, 0f00000000; mov.f32 tc18, 0f00000000; mov.f32 tc19, 0f00000000;"
                );
                break;
            case 5:
                CudaAsm.Emit(
                    "mov.f32 tc20, 0f00000000; mov.f32 tc21, 0f00000000; mov.f32 tc22, 0f00000000; mov.f32 tc23, 0f00000000;"
                );
                break;
            case 6:
                CudaAsm.Emit(
                    "mov.f32 tc24, 0f00000000; mov.f32 tc25, 0f00000000; mov.f32 tc26, 0f00000000; mov.f32 tc27, 0f00000000;"
                );
                break;
            case 7:
                CudaAsm.Emit(
                    "mov.f32 tc28, 0f00000000; mov.f32 tc29, 0f00000000; mov.f32 tc30, 0f00000000; mov.f32 tc31, 0f00000000;"
                );
                break;
            case 8:
                CudaAsm.Emit(
                    "mov.f32 tc32, 0f00000000; mov.f32 tc33, 0f00000000; mov.f32 tc34, 0f00000000; mov.f32 tc35, 0f00000000;"
                );
                break;
            case 9:
                CudaAsm.Emit(
                    "mov.f32 tc36, 0f00000000; mov.f32 tc37, 0f00000000; mov.f32 tc38, 0f00000000; mov.f32 tc39, 0f00000000;"
                );
                break;
            case 10:
                CudaAsm.Emit(
                    "mov.f32 tc40, 0f00000000; mov.f32 tc41, 0f00000000; mov.f32 tc42, 0f00000000; mov.f32 tc43, 0f00000000;"
                );
                break;
            case 11:
                CudaAsm.Emit(
                    "mov.f32 tc44, 0f00000000; mov.f32 tc45, 0f00000000; mov.f32 tc46, 0f00000000; mov.f32 tc47, 0f00000000;"
                );
                break;
            case 12:
                CudaAsm.Emit(
                    "mov.f32 tc48, 0f00000000; mov.f32 tc49, 0f00000000; mov.f32 tc50, 0f00000000; mov.f32 tc51, 0f00000000;"
                );
                break;
            case 13:
                CudaAsm.Emit(
                    "mov.f32 tc52, 0f00000000; mov.f32 tc53, 0f00000000; mov.f32 tc54, 0f00000000; mov.f32 tc55, 0f00000000;"
                );
                break;
            case 14:
                CudaAsm.Emit(
                    "mov.f32 tc56, 0f00000000; mov.f32 tc57, 0f00000000; mov.f32 tc58, 0f00000000; mov.f32 tc59, 0f00000000;"
                );
                break;
            case 15:
                CudaAsm.Emit(
                    "mov.f32 tc60, 0f00000000; mov.f32 tc61, 0f00000000; mov.f32 tc62, 0f00000000; mov.f32 tc63, 0f00000000;"
                );
                break;
        }
    }

    /// <summary>
    /// Adds a product on the warp's tensor core; operands as in <see cref="MmaTile.Simulate"/>. Each of a tile's outputs is
    /// its own sum: columns that hold other rows do not touch its bits.
    /// </summary>
    public void Accumulate(int tile, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
    {
        if (!CudaAsm.IsSupported)
        {
            var sums = Stored(tile);
            sums.Simulate(a0, a1, a2, a3, b0, b1);
            Set(tile, sums);
            return;
        }

        switch (tile)
        {
            case 0:
                CudaAsm.Emit(Multiply + "{tc0,tc1,tc2,tc3}" + Operands + "{tc0,tc1,tc2,tc3};", a0, a1, a2, a3, b0, b1);
                break;
            case 1:
                CudaAsm.Emit(Multiply + "{tc4,tc5,tc6,tc7}" + Operands + "{tc4,tc5,tc6,tc7};", a0, a1, a2, a3, b0, b1);
                break;
            case 2:
                CudaAsm.Emit(
                    Multiply + "{tc8,tc9,tc10,tc11}" + Operands + "{tc8,tc9,tc10,tc11};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 3:
                CudaAsm.Emit(
                    Multiply + "{tc12,tc13,tc14,tc15}" + Operands + "{tc12,tc13,tc14,tc15};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 4:
                CudaAsm.Emit(
                    Multiply + "{tc16,tc17,tc18,tc19}" + Operands + "{tc16,tc17,tc18,tc19};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 5:
                CudaAsm.Emit(
                    Multiply + "{tc20,tc21,tc22,tc23}" + Operands + "{tc20,tc21,tc22,tc23};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 6:
                CudaAsm.Emit(
                    Multiply + "{tc24,tc25,tc26,tc27}" + Operands + "{tc24,tc25,tc26,tc27};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 7:
                CudaAsm.Emit(
                    Multiply + "{tc28,tc29,tc30,tc31}" + Operands + "{tc28,tc29,tc30,tc31};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 8:
                CudaAsm.Emit(
                    Multiply + "{tc32,tc33,tc34,tc35}" + Operands + "{tc32,tc33,tc34,tc35};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 9:
                CudaAsm.Emit(
                    Multiply + "{tc36,tc37,tc38,tc39}" + Operands + "{tc36,tc37,tc38,tc39};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 10:
                CudaAsm.Emit(
                    Multiply + "{tc40,tc41,tc42,tc43}" + Operands + "{tc40,tc41,tc42,tc43};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 11:
                CudaAsm.Emit(
                    Multiply + "{tc44,tc45,tc46,tc47}" + Operands + "{tc44,tc45,tc46,tc47};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 12:
                CudaAsm.Emit(
                    Multiply + "{tc48,tc49,tc50,tc51}" + Operands + "{tc48,tc49,tc50,tc51};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 13:
                CudaAsm.Emit(
                    Multiply + "{tc52,tc53,tc54,tc55}" + Operands + "{tc52,tc53,tc54,tc55};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 14:
                CudaAsm.Emit(
                    Multiply + "{tc56,tc57,tc58,tc59}" + Operands + "{tc56,tc57,tc58,tc59};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
            case 15:
                CudaAsm.Emit(
                    Multiply + "{tc60,tc61,tc62,tc63}" + Operands + "{tc60,tc61,tc62,tc63};",
                    a0,
                    a1,
                    a2,
                    a3,
                    b0,
                    b1
                );
                break;
        }
    }

    /// <summary>On the simulator: adds a tile of weights by rows in two parts; see <see cref="MmaTile.SimulateParts"/>.</summary>
    public void SimulateParts(int tile, ArrayView<UInt4> weights, ArrayView<UInt4> x)
    {
        var sums = Stored(tile);
        sums.SimulateParts(weights, x);
        Set(tile, sums);
    }

    /// <summary>A tile's sums.</summary>
    public readonly MmaTile Get(int tile)
    {
        if (!CudaAsm.IsSupported)
        {
            return Stored(tile);
        }

        var sums = new MmaTile();
        switch (tile)
        {
            case 0:
                CudaAsm.Emit("mov.f32 %0, tc0;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc1;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc2;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc3;", out sums.C3);
                break;
            case 1:
                CudaAsm.Emit("mov.f32 %0, tc4;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc5;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc6;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc7;", out sums.C3);
                break;
            case 2:
                CudaAsm.Emit("mov.f32 %0, tc8;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc9;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc10;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc11;", out sums.C3);
                break;
            case 3:
                CudaAsm.Emit("mov.f32 %0, tc12;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc13;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc14;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc15;", out sums.C3);
                break;
            case 4:
                CudaAsm.Emit("mov.f32 %0, tc16;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc17;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc18;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc19;", out sums.C3);
                break;
            case 5:
                CudaAsm.Emit("mov.f32 %0, tc20;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc21;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc22;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc23;", out sums.C3);
                break;
            case 6:
                CudaAsm.Emit("mov.f32 %0, tc24;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc25;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc26;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc27;", out sums.C3);
                break;
            case 7:
                CudaAsm.Emit("mov.f32 %0, tc28;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc29;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc30;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc31;", out sums.C3);
                break;
            case 8:
                CudaAsm.Emit("mov.f32 %0, tc32;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc33;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc34;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc35;", out sums.C3);
                break;
            case 9:
                CudaAsm.Emit("mov.f32 %0, tc36;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc37;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc38;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc39;", out sums.C3);
                break;
            case 10:
                CudaAsm.Emit("mov.f32 %0, tc40;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc41;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc42;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc43;", out sums.C3);
                break;
            case 11:
                CudaAsm.Emit("mov.f32 %0, tc44;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc45;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc46;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc47;", out sums.C3);
                break;
            case 12:
                CudaAsm.Emit("mov.f32 %0, tc48;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc49;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc50;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc51;", out sums.C3);
                break;
            case 13:
                CudaAsm.Emit("mov.f32 %0, tc52;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc53;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc54;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc55;", out sums.C3);
                break;
            case 14:
                CudaAsm.Emit("mov.f32 %0, tc56;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc57;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc58;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc59;", out sums.C3);
                break;
            case 15:
                CudaAsm.Emit("mov.f32 %0, tc60;", out sums.C0);
                CudaAsm.Emit("mov.f32 %0, tc61;", out sums.C1);
                CudaAsm.Emit("mov.f32 %0, tc62;", out sums.C2);
                CudaAsm.Emit("mov.f32 %0, tc63;", out sums.C3);
                break;
        }

        return sums;
    }

    private readonly MmaTile Stored(int tile) =>
        tile switch
        {
            0 => _t0,
            1 => _t1,
            2 => _t2,
            3 => _t3,
            4 => _t4,
            5 => _t5,
            6 => _t6,
            7 => _t7,
            8 => _t8,
            9 => _t9,
            10 => _t10,
            11 => _t11,
            12 => _t12,
            13 => _t13,
            14 => _t14,
            _ => _t15,
        };

    private void Set(int tile, MmaTile sums)
    {
        switch (tile)
        {
            case 0:
                _t0 = sums;
                break;
            case 1:
                _t1 = sums;
                break;
            case 2:
                _t2 = sums;
                break;
            case 3:
                _t3 = sums;
                break;
            case 4:
                _t4 = sums;
                break;
            case 5:
                _t5 = sums;
                break;
            case 6:
                _t6 = sums;
                break;
            case 7:
                _t7 = sums;
                break;
            case 8:
                _t8 = sums;
                break;
            case 9:
                _t9 = sums;
                break;
            case 10:
                _t10 = sums;
                break;
            case 11:
                _t11 = sums;
                break;
            case 12:
                _t12 = sums;
                break;
            case 13:
                _t13 = sums;
                break;
            case 14:
                _t14 = sums;
                break;
            case 15:
                _t15 = sums;
                break;
        }
    }
}
