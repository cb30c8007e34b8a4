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

    // The registers of each tile.
    private const string S0 = "{tc0,tc1,tc2,tc3}";
    private const string S1 = "{tc4,tc5,tc6,tc7}";
    private const string S2 = "{tc8,tc9,tc10,tc11}";
    private const string S3 = "{tc12,tc13,tc14,tc15}";
    private const string S4 = "{tc16,tc17,tc18,tc19}";
    private const string S5 = "{tc20,tc21,tc22,tc23}";
    private const string S6 = "{tc24,tc25,tc26,tc27}";
    private const string S7 = "{tc28,tc29,tc30,tc31}";
    private const string S8 = "{tc32,tc33,tc34,tc35}";
    private const string S9 = "{tc36,tc37,tc38,tc39}";
    private const string S10 = "{tc40,tc41,tc42,tc43}";
    private const string S11 = "{tc44,tc45,tc46,tc47}";
    private const string S12 = "{tc48,tc49,tc50,tc51}";
    private const string S13 = "{tc52,tc53,tc54,tc55}";
    private const string S14 = "{tc56,tc57,tc58,tc59}";
    private const string S15 = "{tc60,tc61,tc62,tc63}";

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
                CudaAsm.Emit("mov.b32 tc0, 0; mov.b32 tc1, 0; mov.b32 tc2, 0; mov.b32 tc3, 0;");
                break;
            case 1:
                CudaAsm.Emit("mov.b32 tc4, 0; mov.b32 tc5, 0; mov.b32 tc6, 0; mov.b32 tc7, 0;");
                break;
            case 2:
                CudaAsm.Emit("mov.b32 tc8, 0; mov.b32 tc9, 0; mov.b32 tc10, 0; mov.b32 tc11, 0;");
                break;
            case 3:
                CudaAsm.Emit("mov.b32 tc12, 0; mov.b32 tc13, 0; mov.b32 tc14, 0; mov.b32 tc15, 0;");
                break;
            case 4:
                CudaAsm.Emit("mov.b32 tc16, 0; mov.b32 tc17, 0; mov.b32 tc18, 0; mov.b32 tc19, 0;");
                break;
            case 5:
                CudaAsm.Emit("mov.b32 tc20, 0; mov.b32 tc21, 0; mov.b32 tc22, 0; mov.b32 tc23, 0;");
                break;
            case 6:
                CudaAsm.Emit("mov.b32 tc24, 0; mov.b32 tc25, 0; mov.b32 tc26, 0; mov.b32 tc27, 0;");
                break;
            case 7:
                CudaAsm.Emit("mov.b32 tc28, 0; mov.b32 tc29, 0; mov.b32 tc30, 0; mov.b32 tc31, 0;");
                break;
            case 8:
                CudaAsm.Emit("mov.b32 tc32, 0; mov.b32 tc33, 0; mov.b32 tc34, 0; mov.b32 tc35, 0;");
                break;
            case 9:
                CudaAsm.Emit("mov.b32 tc36, 0; mov.b32 tc37, 0; mov.b32 tc38, 0; mov.b32 tc39, 0;");
                break;
            case 10:
                CudaAsm.Emit("mov.b32 tc40, 0; mov.b32 tc41, 0; mov.b32 tc42, 0; mov.b32 tc43, 0;");
                break;
            case 11:
                CudaAsm.Emit("mov.b32 tc44, 0; mov.b32 tc45, 0; mov.b32 tc46, 0; mov.b32 tc47, 0;");
                break;
            case 12:
                CudaAsm.Emit("mov.b32 tc48, 0; mov.b32 tc49, 0; mov.b32 tc50, 0; mov.b32 tc51, 0;");
                break;
            case 13:
                CudaAsm.Emit("mov.b32 tc52, 0; mov.b32 tc53, 0; mov.b32 tc54, 0; mov.b32 tc55, 0;");
                break;
            case 14:
                CudaAsm.Emit("mov.b32 tc56, 0; mov.b32 tc57, 0; mov.b32 tc58, 0; mov.b32 tc59, 0;");
                break;
            case 15:
                CudaAsm.Emit("mov.b32 tc60, 0; mov.b32 tc61, 0; mov.b32 tc62, 0; mov.b32 tc63, 0;");
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
                CudaAsm.Emit(Multiply + S0 + Operands + S0 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 1:
                CudaAsm.Emit(Multiply + S1 + Operands + S1 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 2:
                CudaAsm.Emit(Multiply + S2 + Operands + S2 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 3:
                CudaAsm.Emit(Multiply + S3 + Operands + S3 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 4:
                CudaAsm.Emit(Multiply + S4 + Operands + S4 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 5:
                CudaAsm.Emit(Multiply + S5 + Operands + S5 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 6:
                CudaAsm.Emit(Multiply + S6 + Operands + S6 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 7:
                CudaAsm.Emit(Multiply + S7 + Operands + S7 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 8:
                CudaAsm.Emit(Multiply + S8 + Operands + S8 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 9:
                CudaAsm.Emit(Multiply + S9 + Operands + S9 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 10:
                CudaAsm.Emit(Multiply + S10 + Operands + S10 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 11:
                CudaAsm.Emit(Multiply + S11 + Operands + S11 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 12:
                CudaAsm.Emit(Multiply + S12 + Operands + S12 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 13:
                CudaAsm.Emit(Multiply + S13 + Operands + S13 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 14:
                CudaAsm.Emit(Multiply + S14 + Operands + S14 + ";", a0, a1, a2, a3, b0, b1);
                break;
            case 15:
                CudaAsm.Emit(Multiply + S15 + Operands + S15 + ";", a0, a1, a2, a3, b0, b1);
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
