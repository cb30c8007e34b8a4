using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// What <see cref="PromptChunk{TParts}"/> is on a card: scores, weights and values of a tile of sixteen positions. All of it is text,
/// because inline assembly that returns a value stores it to local memory first. Its instructions and their order are what
/// <see cref="AttentionChunk"/> compiles to, down to the flushing of denormal numbers (ftz). Constants are bytes of
/// <see cref="KvCache.KvStage{TElement, TParts}"/> for bf16: 4,096 from one group of eight of a thread to its next, 16,384
/// from one part to the next.
/// </summary>
internal static class PromptAssembly
{
    /// <summary>
    /// Registers: queries of both parts (qa, qb), a chunk's scores (e, four a tile), the largest (bm), the sum of weights (bs),
    /// weighted values of both parts (va, vb); zero and minus infinity.
    /// </summary>
    public const string Declare =
        ".reg .f32 fz; .reg .f32 fi; .reg .f32 bm; .reg .f32 bs; .reg .b32 qa<16>; .reg .b32 qb<16>; "
        + ".reg .f32 e<32>; .reg .f32 va<16>; .reg .f32 vb<16>; mov.f32 fz, 0f00000000; mov.f32 fi, 0fFF800000;";

    /// <summary>
    /// Loads a lane's queries of a head of one part from %0: eights k and k + 4 of the high parts, then of the low parts.
    /// </summary>
    public const string LoadOnePart =
        Load
        + "{qa0,qa1,qa2,qa3}, [%0]; "
        + Load
        + "{qa4,qa5,qa6,qa7}, [%0+64]; "
        + Load
        + "{qa8,qa9,qa10,qa11}, [%0+128]; "
        + Load
        + "{qa12,qa13,qa14,qa15}, [%0+192];";

    /// <summary>The same of a head of two parts.</summary>
    public const string LoadTwoParts =
        Load
        + "{qa0,qa1,qa2,qa3}, [%0]; "
        + Load
        + "{qa4,qa5,qa6,qa7}, [%0+64]; "
        + Load
        + "{qb0,qb1,qb2,qb3}, [%0+128]; "
        + Load
        + "{qb4,qb5,qb6,qb7}, [%0+192]; "
        + Load
        + "{qa8,qa9,qa10,qa11}, [%0+256]; "
        + Load
        + "{qa12,qa13,qa14,qa15}, [%0+320]; "
        + Load
        + "{qb8,qb9,qb10,qb11}, [%0+384]; "
        + Load
        + "{qb12,qb13,qb14,qb15}, [%0+448];";

    /// <summary>Begins a chunk: the least maximum (<see cref="KvCache.AttentionShared.Lowest"/>), no weights, no values.</summary>
    public const string Begin =
        "mov.f32 bm, 0fF149F2CA; mov.f32 bs, fz; "
        + "mov.f32 va0, fz; mov.f32 va1, fz; mov.f32 va2, fz; mov.f32 va3, fz; "
        + "mov.f32 va4, fz; mov.f32 va5, fz; mov.f32 va6, fz; mov.f32 va7, fz; "
        + "mov.f32 va8, fz; mov.f32 va9, fz; mov.f32 va10, fz; mov.f32 va11, fz; "
        + "mov.f32 va12, fz; mov.f32 va13, fz; mov.f32 va14, fz; mov.f32 va15, fz; "
        + "mov.f32 vb0, fz; mov.f32 vb1, fz; mov.f32 vb2, fz; mov.f32 vb3, fz; "
        + "mov.f32 vb4, fz; mov.f32 vb5, fz; mov.f32 vb6, fz; mov.f32 vb7, fz; "
        + "mov.f32 vb8, fz; mov.f32 vb9, fz; mov.f32 vb10, fz; mov.f32 vb11, fz; "
        + "mov.f32 vb12, fz; mov.f32 vb13, fz; mov.f32 vb14, fz; mov.f32 vb15, fz;";

    /// <summary>
    /// Scores of a tile of heads of one part: keys at %0, %1 positions left from the lane's first to the end of its column's
    /// context, factor %2. One of To0 to To7 must follow. See <see cref="Tiling.KeyPart.AddScores"/> for the products.
    /// </summary>
    public const string ScoreOnePart = BeginScore + ScoreFirst + EndScore;

    /// <summary>The same of heads of two parts.</summary>
    public const string ScoreTwoParts = BeginScore + ScoreFirst + ScoreSecond + EndScore;

    public const string To0 = "mov.f32 e0, y0; mov.f32 e1, y1; mov.f32 e2, y2; mov.f32 e3, y3; }";
    public const string To1 = "mov.f32 e4, y0; mov.f32 e5, y1; mov.f32 e6, y2; mov.f32 e7, y3; }";
    public const string To2 = "mov.f32 e8, y0; mov.f32 e9, y1; mov.f32 e10, y2; mov.f32 e11, y3; }";
    public const string To3 = "mov.f32 e12, y0; mov.f32 e13, y1; mov.f32 e14, y2; mov.f32 e15, y3; }";
    public const string To4 = "mov.f32 e16, y0; mov.f32 e17, y1; mov.f32 e18, y2; mov.f32 e19, y3; }";
    public const string To5 = "mov.f32 e20, y0; mov.f32 e21, y1; mov.f32 e22, y2; mov.f32 e23, y3; }";
    public const string To6 = "mov.f32 e24, y0; mov.f32 e25, y1; mov.f32 e26, y2; mov.f32 e27, y3; }";
    public const string To7 = "mov.f32 e28, y0; mov.f32 e29, y1; mov.f32 e30, y2; mov.f32 e31, y3; }";

    /// <summary>The largest score of all lanes of a column.</summary>
    public const string ShareMax =
        "{ .reg .f32 y<1>; shfl.sync.bfly.b32 y0, bm, 1, 31, 0xffffffff; max.ftz.f32 bm, bm, y0; "
        + "shfl.sync.bfly.b32 y0, bm, 2, 31, 0xffffffff; max.ftz.f32 bm, bm, y0; }";

    public const string From0 = BeginValues + "mov.f32 y0, e0; mov.f32 y1, e1; mov.f32 y2, e2; mov.f32 y3, e3; ";
    public const string From1 = BeginValues + "mov.f32 y0, e4; mov.f32 y1, e5; mov.f32 y2, e6; mov.f32 y3, e7; ";
    public const string From2 = BeginValues + "mov.f32 y0, e8; mov.f32 y1, e9; mov.f32 y2, e10; mov.f32 y3, e11; ";
    public const string From3 = BeginValues + "mov.f32 y0, e12; mov.f32 y1, e13; mov.f32 y2, e14; mov.f32 y3, e15; ";
    public const string From4 = BeginValues + "mov.f32 y0, e16; mov.f32 y1, e17; mov.f32 y2, e18; mov.f32 y3, e19; ";
    public const string From5 = BeginValues + "mov.f32 y0, e20; mov.f32 y1, e21; mov.f32 y2, e22; mov.f32 y3, e23; ";
    public const string From6 = BeginValues + "mov.f32 y0, e24; mov.f32 y1, e25; mov.f32 y2, e26; mov.f32 y3, e27; ";
    public const string From7 = BeginValues + "mov.f32 y0, e28; mov.f32 y1, e29; mov.f32 y2, e30; mov.f32 y3, e31; ";

    /// <summary>
    /// Weights of a tile of heads of one part, and its values at %0 times them; one of From0 to From7 must stand before. A
    /// tile's sums begin at zero and are then added to the chunk's, as the warps' of <see cref="SplitAttentionKernel"/> are.
    /// </summary>
    public const string AddOnePart = Weigh + AddFirst + "}";

    /// <summary>The same of heads of two parts.</summary>
    public const string AddTwoParts = Weigh + AddFirst + AddSecond + "}";

    /// <summary>Stores a column of one part at %0: tiles 0 and 1, then, half a head further, 2 and 3.</summary>
    public const string StoreEvenOfOnePart =
        Store + "[%0], {va0,va2,va4,va6}; " + Store + "[%0+128], {va8,va10,va12,va14};";

    /// <summary>The same of the column after it.</summary>
    public const string StoreOddOfOnePart =
        Store + "[%0], {va1,va3,va5,va7}; " + Store + "[%0+128], {va9,va11,va13,va15};";

    /// <summary>The first column of two parts.</summary>
    public const string StoreEvenOfTwoParts =
        Store
        + "[%0], {va0,va2,va4,va6}; "
        + Store
        + "[%0+128], {vb0,vb2,vb4,vb6}; "
        + Store
        + "[%0+256], {va8,va10,va12,va14}; "
        + Store
        + "[%0+384], {vb8,vb10,vb12,vb14};";

    /// <summary>The column after it.</summary>
    public const string StoreOddOfTwoParts =
        Store
        + "[%0], {va1,va3,va5,va7}; "
        + Store
        + "[%0+128], {vb1,vb3,vb5,vb7}; "
        + Store
        + "[%0+256], {va9,va11,va13,va15}; "
        + Store
        + "[%0+384], {vb9,vb11,vb13,vb15};";

    /// <summary>Stores the largest score and the sum of weights at %0.</summary>
    public const string StoreTotal = "st.global.v2.f32 [%0], {bm,bs};";

    private const string Load = "ld.shared.v4.b32 ";
    private const string Store = "st.global.v4.f32 ";
    private const string Multiply = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ";
    private const string Zero = "{fz,fz,fz,fz}";
    private const string S0 = "{s0,s1,s2,s3}";
    private const string S1 = "{s4,s5,s6,s7}";
    private const string S2 = "{s8,s9,s10,s11}";
    private const string S3 = "{s12,s13,s14,s15}";
    private const string X0 = "{x0,x1,x2,x3}";
    private const string X1 = "{x4,x5,x6,x7}";
    private const string X2 = "{x8,x9,x10,x11}";
    private const string X3 = "{x12,x13,x14,x15}";

    private const string BeginScore = "{ .reg .b32 k<16>; .reg .f32 s<16>; .reg .f32 y<6>; .reg .pred q; ";

    private const string ScoreFirst =
        Load
        + "{k0,k1,k2,k3}, [%0]; "
        + Load
        + "{k4,k5,k6,k7}, [%0+4096]; "
        + Load
        + "{k8,k9,k10,k11}, [%0+8192]; "
        + Load
        + "{k12,k13,k14,k15}, [%0+12288]; "
        + Multiply
        + S0
        + ", {qa0,qa8,qa1,qa9}, {k0,k1}, "
        + Zero
        + "; "
        + Multiply
        + S2
        + ", {qa2,qa10,qa3,qa11}, {k2,k3}, "
        + Zero
        + "; "
        + Multiply
        + S1
        + ", {qa0,qa8,qa1,qa9}, {k8,k9}, "
        + Zero
        + "; "
        + Multiply
        + S3
        + ", {qa2,qa10,qa3,qa11}, {k10,k11}, "
        + Zero
        + "; "
        + Multiply
        + S0
        + ", {qa4,qa12,qa5,qa13}, {k4,k5}, "
        + S0
        + "; "
        + Multiply
        + S2
        + ", {qa6,qa14,qa7,qa15}, {k6,k7}, "
        + S2
        + "; "
        + Multiply
        + S1
        + ", {qa4,qa12,qa5,qa13}, {k12,k13}, "
        + S1
        + "; "
        + Multiply
        + S3
        + ", {qa6,qa14,qa7,qa15}, {k14,k15}, "
        + S3
        + "; ";

    private const string ScoreSecond =
        Load
        + "{k0,k1,k2,k3}, [%0+16384]; "
        + Load
        + "{k4,k5,k6,k7}, [%0+20480]; "
        + Load
        + "{k8,k9,k10,k11}, [%0+24576]; "
        + Load
        + "{k12,k13,k14,k15}, [%0+28672]; "
        + Multiply
        + S0
        + ", {qb0,qb8,qb1,qb9}, {k0,k1}, "
        + S0
        + "; "
        + Multiply
        + S2
        + ", {qb2,qb10,qb3,qb11}, {k2,k3}, "
        + S2
        + "; "
        + Multiply
        + S1
        + ", {qb0,qb8,qb1,qb9}, {k8,k9}, "
        + S1
        + "; "
        + Multiply
        + S3
        + ", {qb2,qb10,qb3,qb11}, {k10,k11}, "
        + S3
        + "; "
        + Multiply
        + S0
        + ", {qb4,qb12,qb5,qb13}, {k4,k5}, "
        + S0
        + "; "
        + Multiply
        + S2
        + ", {qb6,qb14,qb7,qb15}, {k6,k7}, "
        + S2
        + "; "
        + Multiply
        + S1
        + ", {qb4,qb12,qb5,qb13}, {k12,k13}, "
        + S1
        + "; "
        + Multiply
        + S3
        + ", {qb6,qb14,qb7,qb15}, {k14,k15}, "
        + S3
        + "; ";

    // AttentionSums.Score, the factor, and minus infinity past the column's context.
    private const string EndScore =
        "add.f32 y4, s0, s8; add.f32 y5, s2, s10; add.f32 y0, y4, y5; "
        + "add.f32 y4, s1, s9; add.f32 y5, s3, s11; add.f32 y1, y4, y5; "
        + "add.f32 y4, s4, s12; add.f32 y5, s6, s14; add.f32 y2, y4, y5; "
        + "add.f32 y4, s5, s13; add.f32 y5, s7, s15; add.f32 y3, y4, y5; "
        + "mul.rn.ftz.f32 y0, y0, %2; mul.rn.ftz.f32 y1, y1, %2; mul.rn.ftz.f32 y2, y2, %2; mul.rn.ftz.f32 y3, y3, %2; "
        + "setp.gt.s32 q, %1, 0; selp.f32 y0, y0, fi, q; setp.gt.s32 q, %1, 1; selp.f32 y1, y1, fi, q; "
        + "setp.gt.s32 q, %1, 8; selp.f32 y2, y2, fi, q; setp.gt.s32 q, %1, 9; selp.f32 y3, y3, fi, q; "
        + "max.ftz.f32 y4, y0, y1; max.ftz.f32 y5, y2, y3; max.ftz.f32 y4, y4, y5; max.ftz.f32 bm, bm, y4; ";

    private const string BeginValues =
        "{ .reg .b32 p<16>; .reg .b32 m<16>; .reg .b32 u<4>; .reg .f32 x<16>; .reg .f32 y<4>; .reg .f32 z<2>; ";

    // AttentionChunk.Weigh: u0 and u1 are the high parts of positions c, c + 1 and c + 8, c + 9, u2 and u3 the low parts.
    private const string Weigh =
        "sub.ftz.f32 y0, y0, bm; sub.ftz.f32 y1, y1, bm; sub.ftz.f32 y2, y2, bm; sub.ftz.f32 y3, y3, bm; "
        + "ex2.approx.ftz.f32 y0, y0; ex2.approx.ftz.f32 y1, y1; ex2.approx.ftz.f32 y2, y2; ex2.approx.ftz.f32 y3, y3; "
        + "add.ftz.f32 z0, y0, y1; add.ftz.f32 z1, y2, y3; add.ftz.f32 z0, z0, z1; "
        + "shfl.sync.bfly.b32 z1, z0, 1, 31, 0xffffffff; add.ftz.f32 z0, z0, z1; "
        + "shfl.sync.bfly.b32 z1, z0, 2, 31, 0xffffffff; add.ftz.f32 z0, z0, z1; add.ftz.f32 bs, bs, z0; "
        + "cvt.rn.bf16x2.f32 u0, y1, y0; cvt.rn.bf16x2.f32 u1, y3, y2; "
        + "shl.b32 u2, u0, 16; mov.b32 z0, u2; sub.ftz.f32 y0, y0, z0; "
        + "and.b32 u2, u0, 0xffff0000; mov.b32 z0, u2; sub.ftz.f32 y1, y1, z0; cvt.rn.bf16x2.f32 u2, y1, y0; "
        + "shl.b32 u3, u1, 16; mov.b32 z0, u3; sub.ftz.f32 y2, y2, z0; "
        + "and.b32 u3, u1, 0xffff0000; mov.b32 z0, u3; sub.ftz.f32 y3, y3, z0; cvt.rn.bf16x2.f32 u3, y3, y2; ";

    // Two words of two positions become two words the other way round (PositionPairs), a byte permutation each.
    private const string Products =
        "prmt.b32 m0, p0, p4, 0x5410; prmt.b32 m1, p0, p4, 0x7632; prmt.b32 m2, p8, p12, 0x5410; prmt.b32 m3, p8, p12, 0x7632; "
        + "prmt.b32 m4, p1, p5, 0x5410; prmt.b32 m5, p1, p5, 0x7632; prmt.b32 m6, p9, p13, 0x5410; prmt.b32 m7, p9, p13, 0x7632; "
        + "prmt.b32 m8, p2, p6, 0x5410; prmt.b32 m9, p2, p6, 0x7632; prmt.b32 m10, p10, p14, 0x5410; prmt.b32 m11, p10, p14, 0x7632; "
        + "prmt.b32 m12, p3, p7, 0x5410; prmt.b32 m13, p3, p7, 0x7632; prmt.b32 m14, p11, p15, 0x5410; prmt.b32 m15, p11, p15, 0x7632; "
        + Multiply
        + X0
        + ", {m0,m1,m2,m3}, {u0,u1}, "
        + Zero
        + "; "
        + Multiply
        + X1
        + ", {m4,m5,m6,m7}, {u0,u1}, "
        + Zero
        + "; "
        + Multiply
        + X2
        + ", {m8,m9,m10,m11}, {u0,u1}, "
        + Zero
        + "; "
        + Multiply
        + X3
        + ", {m12,m13,m14,m15}, {u0,u1}, "
        + Zero
        + "; "
        + Multiply
        + X0
        + ", {m0,m1,m2,m3}, {u2,u3}, "
        + X0
        + "; "
        + Multiply
        + X1
        + ", {m4,m5,m6,m7}, {u2,u3}, "
        + X1
        + "; "
        + Multiply
        + X2
        + ", {m8,m9,m10,m11}, {u2,u3}, "
        + X2
        + "; "
        + Multiply
        + X3
        + ", {m12,m13,m14,m15}, {u2,u3}, "
        + X3
        + "; ";

    private const string AddFirst =
        Load
        + "{p0,p1,p2,p3}, [%0]; "
        + Load
        + "{p4,p5,p6,p7}, [%0+4096]; "
        + Load
        + "{p8,p9,p10,p11}, [%0+8192]; "
        + Load
        + "{p12,p13,p14,p15}, [%0+12288]; "
        + Products
        + "add.ftz.f32 va0, va0, x0; add.ftz.f32 va1, va1, x1; add.ftz.f32 va2, va2, x2; add.ftz.f32 va3, va3, x3; "
        + "add.ftz.f32 va4, va4, x4; add.ftz.f32 va5, va5, x5; add.ftz.f32 va6, va6, x6; add.ftz.f32 va7, va7, x7; "
        + "add.ftz.f32 va8, va8, x8; add.ftz.f32 va9, va9, x9; add.ftz.f32 va10, va10, x10; add.ftz.f32 va11, va11, x11; "
        + "add.ftz.f32 va12, va12, x12; add.ftz.f32 va13, va13, x13; add.ftz.f32 va14, va14, x14; add.ftz.f32 va15, va15, x15; ";

    private const string AddSecond =
        Load
        + "{p0,p1,p2,p3}, [%0+16384]; "
        + Load
        + "{p4,p5,p6,p7}, [%0+20480]; "
        + Load
        + "{p8,p9,p10,p11}, [%0+24576]; "
        + Load
        + "{p12,p13,p14,p15}, [%0+28672]; "
        + Products
        + "add.ftz.f32 vb0, vb0, x0; add.ftz.f32 vb1, vb1, x1; add.ftz.f32 vb2, vb2, x2; add.ftz.f32 vb3, vb3, x3; "
        + "add.ftz.f32 vb4, vb4, x4; add.ftz.f32 vb5, vb5, x5; add.ftz.f32 vb6, vb6, x6; add.ftz.f32 vb7, vb7, x7; "
        + "add.ftz.f32 vb8, vb8, x8; add.ftz.f32 vb9, vb9, x9; add.ftz.f32 vb10, vb10, x10; add.ftz.f32 vb11, vb11, x11; "
        + "add.ftz.f32 vb12, vb12, x12; add.ftz.f32 vb13, vb13, x13; add.ftz.f32 vb14, vb14, x14; add.ftz.f32 vb15, vb15, x15; ";
}
