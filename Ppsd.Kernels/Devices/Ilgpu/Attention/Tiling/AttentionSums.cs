using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>
/// Four <see cref="MmaTile"/>s of a warp that attention accumulates into. On a card the
/// sums live in registers that have names of their own, and leave them only as scores and for shared memory: inline
/// assembly that returns them one by one would store each to memory first.
/// </summary>
internal struct AttentionSums
{
    private const string Multiply = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ";
    private const string Operands = ", {%0,%1,%2,%3}, {%4,%5}, ";

    // The registers of each tile.
    private const string S0 = "{ft0,ft1,ft2,ft3}";
    private const string S1 = "{ft4,ft5,ft6,ft7}";
    private const string S2 = "{ft8,ft9,ft10,ft11}";
    private const string S3 = "{ft12,ft13,ft14,ft15}";

    private MmaTile _t0;
    private MmaTile _t1;
    private MmaTile _t2;
    private MmaTile _t3;

    /// <summary>Declares the registers; once in a kernel, before anything else here.</summary>
    public static void Declare()
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        CudaAsm.Emit(".reg .f32 ft<16>; .reg .f32 fs<2>;");
    }

    /// <summary>Makes the sums zero.</summary>
    public void Clear()
    {
        if (!CudaAsm.IsSupported)
        {
            _t0 = new MmaTile();
            _t1 = new MmaTile();
            _t2 = new MmaTile();
            _t3 = new MmaTile();
            return;
        }

        CudaAsm.Emit("mov.b32 ft0, 0; mov.b32 ft1, 0; mov.b32 ft2, 0; mov.b32 ft3, 0;");
        CudaAsm.Emit("mov.b32 ft4, 0; mov.b32 ft5, 0; mov.b32 ft6, 0; mov.b32 ft7, 0;");
        CudaAsm.Emit("mov.b32 ft8, 0; mov.b32 ft9, 0; mov.b32 ft10, 0; mov.b32 ft11, 0;");
        CudaAsm.Emit("mov.b32 ft12, 0; mov.b32 ft13, 0; mov.b32 ft14, 0; mov.b32 ft15, 0;");
    }

    /// <summary>
    /// Adds a product to the first tile on the warp's tensor core; operands as in <see cref="MmaTile.Simulate"/>. Each
    /// of a tile's outputs is its own sum: columns that hold other rows do not touch its bits. One method per tile: a
    /// tile index argument would leave a branch in every inlined call.
    /// </summary>
    public void Accumulate0(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(Multiply + S0 + Operands + S0 + ";", a0, a1, a2, a3, b0, b1);
        }
        else
        {
            _t0.Simulate(a0, a1, a2, a3, b0, b1);
        }
    }

    /// <summary>The same for tile 1.</summary>
    public void Accumulate1(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(Multiply + S1 + Operands + S1 + ";", a0, a1, a2, a3, b0, b1);
        }
        else
        {
            _t1.Simulate(a0, a1, a2, a3, b0, b1);
        }
    }

    /// <summary>The same for tile 2.</summary>
    public void Accumulate2(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(Multiply + S2 + Operands + S2 + ";", a0, a1, a2, a3, b0, b1);
        }
        else
        {
            _t2.Simulate(a0, a1, a2, a3, b0, b1);
        }
    }

    /// <summary>The same for tile 3.</summary>
    public void Accumulate3(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(Multiply + S3 + Operands + S3 + ";", a0, a1, a2, a3, b0, b1);
        }
        else
        {
            _t3.Simulate(a0, a1, a2, a3, b0, b1);
        }
    }

    /// <summary>
    /// Score of the lane's query (lane / 4) with one of four positions, c, c + 1, c + 8 and c + 9 with c = lane % 4 *
    /// 2, by number: rows 0 to 7 of the tiles hold the queries' high parts, rows 8 to 15 their residuals; tiles 0 and 2
    /// hold the first eight positions, 1 and 3 the others.
    /// </summary>
    public readonly float Score(int position)
    {
        if (!CudaAsm.IsSupported)
        {
            return position switch
            {
                0 => _t0.C0 + _t2.C0 + (_t0.C2 + _t2.C2),
                1 => _t0.C1 + _t2.C1 + (_t0.C3 + _t2.C3),
                2 => _t1.C0 + _t3.C0 + (_t1.C2 + _t3.C2),
                _ => _t1.C1 + _t3.C1 + (_t1.C3 + _t3.C3),
            };
        }

        float score;
        switch (position)
        {
            case 0:
                CudaAsm.Emit("add.f32 fs0, ft0, ft8; add.f32 fs1, ft2, ft10; add.f32 %0, fs0, fs1;", out score);
                break;
            case 1:
                CudaAsm.Emit("add.f32 fs0, ft1, ft9; add.f32 fs1, ft3, ft11; add.f32 %0, fs0, fs1;", out score);
                break;
            case 2:
                CudaAsm.Emit("add.f32 fs0, ft4, ft12; add.f32 fs1, ft6, ft14; add.f32 %0, fs0, fs1;", out score);
                break;
            default:
                CudaAsm.Emit("add.f32 fs0, ft5, ft13; add.f32 fs1, ft7, ft15; add.f32 %0, fs0, fs1;", out score);
                break;
        }

        return score;
    }

    /// <summary>Writes the tiles' rows r and r + 8, four of each of two columns to each of two places.</summary>
    /// <param name="target">Shared memory, four values a load.</param>
    /// <param name="address">Its address on a card.</param>
    /// <param name="even">Load that takes tiles 0 and 1 of column c.</param>
    /// <param name="odd">The same of column c + 1.</param>
    /// <param name="step">Loads from there to that of tiles 2 and 3.</param>
    public readonly void Store(ArrayView<Float4> target, int address, int even, int odd, int step)
    {
        if (!CudaAsm.IsSupported)
        {
            target[even] = Four(_t0.C0, _t0.C2, _t1.C0, _t1.C2);
            target[even + step] = Four(_t2.C0, _t2.C2, _t3.C0, _t3.C2);
            target[odd] = Four(_t0.C1, _t0.C3, _t1.C1, _t1.C3);
            target[odd + step] = Four(_t2.C1, _t2.C3, _t3.C1, _t3.C3);
            return;
        }

        CudaAsm.Emit("st.shared.v4.f32 [%0], {ft0,ft2,ft4,ft6};", address + even * 16);
        CudaAsm.Emit("st.shared.v4.f32 [%0], {ft8,ft10,ft12,ft14};", address + even * 16 + step * 16);
        CudaAsm.Emit("st.shared.v4.f32 [%0], {ft1,ft3,ft5,ft7};", address + odd * 16);
        CudaAsm.Emit("st.shared.v4.f32 [%0], {ft9,ft11,ft13,ft15};", address + odd * 16 + step * 16);
    }

    private static Float4 Four(float x, float y, float z, float w) =>
        new()
        {
            X = x,
            Y = y,
            Z = z,
            W = w,
        };
}
