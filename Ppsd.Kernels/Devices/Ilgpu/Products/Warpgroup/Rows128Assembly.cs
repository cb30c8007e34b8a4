namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// PTX of <see cref="Rows128"/>. Registers: sums gc, totals gt, weights ga. Written out rather than built in loops, because
/// ILGPU emits only constant strings.
/// </summary>
internal static class Rows128Assembly
{
    /// <summary>Declares sums, totals and weights.</summary>
    public const string Declare = ".reg .f32 gc<64>; .reg .f32 gt<64>; .reg .b32 ga<16>;";

    /// <summary>Makes the sums zero.</summary>
    public const string ClearSums =
        "mov.b32 gc0, 0; mov.b32 gc1, 0; mov.b32 gc2, 0; mov.b32 gc3, 0; mov.b32 gc4, 0; mov.b32 gc5, 0; "
        + "mov.b32 gc6, 0; mov.b32 gc7, 0; mov.b32 gc8, 0; mov.b32 gc9, 0; mov.b32 gc10, 0; mov.b32 gc11, 0; "
        + "mov.b32 gc12, 0; mov.b32 gc13, 0; mov.b32 gc14, 0; mov.b32 gc15, 0; mov.b32 gc16, 0; "
        + "mov.b32 gc17, 0; mov.b32 gc18, 0; mov.b32 gc19, 0; mov.b32 gc20, 0; mov.b32 gc21, 0; "
        + "mov.b32 gc22, 0; mov.b32 gc23, 0; mov.b32 gc24, 0; mov.b32 gc25, 0; mov.b32 gc26, 0; "
        + "mov.b32 gc27, 0; mov.b32 gc28, 0; mov.b32 gc29, 0; mov.b32 gc30, 0; mov.b32 gc31, 0; "
        + "mov.b32 gc32, 0; mov.b32 gc33, 0; mov.b32 gc34, 0; mov.b32 gc35, 0; mov.b32 gc36, 0; "
        + "mov.b32 gc37, 0; mov.b32 gc38, 0; mov.b32 gc39, 0; mov.b32 gc40, 0; mov.b32 gc41, 0; "
        + "mov.b32 gc42, 0; mov.b32 gc43, 0; mov.b32 gc44, 0; mov.b32 gc45, 0; mov.b32 gc46, 0; "
        + "mov.b32 gc47, 0; mov.b32 gc48, 0; mov.b32 gc49, 0; mov.b32 gc50, 0; mov.b32 gc51, 0; "
        + "mov.b32 gc52, 0; mov.b32 gc53, 0; mov.b32 gc54, 0; mov.b32 gc55, 0; mov.b32 gc56, 0; "
        + "mov.b32 gc57, 0; mov.b32 gc58, 0; mov.b32 gc59, 0; mov.b32 gc60, 0; mov.b32 gc61, 0; "
        + "mov.b32 gc62, 0; mov.b32 gc63, 0; ";

    /// <summary>Makes the totals zero.</summary>
    public const string ClearTotals =
        "mov.b32 gt0, 0; mov.b32 gt1, 0; mov.b32 gt2, 0; mov.b32 gt3, 0; mov.b32 gt4, 0; mov.b32 gt5, 0; "
        + "mov.b32 gt6, 0; mov.b32 gt7, 0; mov.b32 gt8, 0; mov.b32 gt9, 0; mov.b32 gt10, 0; mov.b32 gt11, 0; "
        + "mov.b32 gt12, 0; mov.b32 gt13, 0; mov.b32 gt14, 0; mov.b32 gt15, 0; mov.b32 gt16, 0; "
        + "mov.b32 gt17, 0; mov.b32 gt18, 0; mov.b32 gt19, 0; mov.b32 gt20, 0; mov.b32 gt21, 0; "
        + "mov.b32 gt22, 0; mov.b32 gt23, 0; mov.b32 gt24, 0; mov.b32 gt25, 0; mov.b32 gt26, 0; "
        + "mov.b32 gt27, 0; mov.b32 gt28, 0; mov.b32 gt29, 0; mov.b32 gt30, 0; mov.b32 gt31, 0; "
        + "mov.b32 gt32, 0; mov.b32 gt33, 0; mov.b32 gt34, 0; mov.b32 gt35, 0; mov.b32 gt36, 0; "
        + "mov.b32 gt37, 0; mov.b32 gt38, 0; mov.b32 gt39, 0; mov.b32 gt40, 0; mov.b32 gt41, 0; "
        + "mov.b32 gt42, 0; mov.b32 gt43, 0; mov.b32 gt44, 0; mov.b32 gt45, 0; mov.b32 gt46, 0; "
        + "mov.b32 gt47, 0; mov.b32 gt48, 0; mov.b32 gt49, 0; mov.b32 gt50, 0; mov.b32 gt51, 0; "
        + "mov.b32 gt52, 0; mov.b32 gt53, 0; mov.b32 gt54, 0; mov.b32 gt55, 0; mov.b32 gt56, 0; "
        + "mov.b32 gt57, 0; mov.b32 gt58, 0; mov.b32 gt59, 0; mov.b32 gt60, 0; mov.b32 gt61, 0; "
        + "mov.b32 gt62, 0; mov.b32 gt63, 0; ";

    /// <summary>Adds the sums to the totals.</summary>
    public const string AddToTotals =
        "add.rn.f32 gt0, gt0, gc0; add.rn.f32 gt1, gt1, gc1; add.rn.f32 gt2, gt2, gc2; "
        + "add.rn.f32 gt3, gt3, gc3; add.rn.f32 gt4, gt4, gc4; add.rn.f32 gt5, gt5, gc5; "
        + "add.rn.f32 gt6, gt6, gc6; add.rn.f32 gt7, gt7, gc7; add.rn.f32 gt8, gt8, gc8; "
        + "add.rn.f32 gt9, gt9, gc9; add.rn.f32 gt10, gt10, gc10; add.rn.f32 gt11, gt11, gc11; "
        + "add.rn.f32 gt12, gt12, gc12; add.rn.f32 gt13, gt13, gc13; add.rn.f32 gt14, gt14, gc14; "
        + "add.rn.f32 gt15, gt15, gc15; add.rn.f32 gt16, gt16, gc16; add.rn.f32 gt17, gt17, gc17; "
        + "add.rn.f32 gt18, gt18, gc18; add.rn.f32 gt19, gt19, gc19; add.rn.f32 gt20, gt20, gc20; "
        + "add.rn.f32 gt21, gt21, gc21; add.rn.f32 gt22, gt22, gc22; add.rn.f32 gt23, gt23, gc23; "
        + "add.rn.f32 gt24, gt24, gc24; add.rn.f32 gt25, gt25, gc25; add.rn.f32 gt26, gt26, gc26; "
        + "add.rn.f32 gt27, gt27, gc27; add.rn.f32 gt28, gt28, gc28; add.rn.f32 gt29, gt29, gc29; "
        + "add.rn.f32 gt30, gt30, gc30; add.rn.f32 gt31, gt31, gc31; add.rn.f32 gt32, gt32, gc32; "
        + "add.rn.f32 gt33, gt33, gc33; add.rn.f32 gt34, gt34, gc34; add.rn.f32 gt35, gt35, gc35; "
        + "add.rn.f32 gt36, gt36, gc36; add.rn.f32 gt37, gt37, gc37; add.rn.f32 gt38, gt38, gc38; "
        + "add.rn.f32 gt39, gt39, gc39; add.rn.f32 gt40, gt40, gc40; add.rn.f32 gt41, gt41, gc41; "
        + "add.rn.f32 gt42, gt42, gc42; add.rn.f32 gt43, gt43, gc43; add.rn.f32 gt44, gt44, gc44; "
        + "add.rn.f32 gt45, gt45, gc45; add.rn.f32 gt46, gt46, gc46; add.rn.f32 gt47, gt47, gc47; "
        + "add.rn.f32 gt48, gt48, gc48; add.rn.f32 gt49, gt49, gc49; add.rn.f32 gt50, gt50, gc50; "
        + "add.rn.f32 gt51, gt51, gc51; add.rn.f32 gt52, gt52, gc52; add.rn.f32 gt53, gt53, gc53; "
        + "add.rn.f32 gt54, gt54, gc54; add.rn.f32 gt55, gt55, gc55; add.rn.f32 gt56, gt56, gc56; "
        + "add.rn.f32 gt57, gt57, gc57; add.rn.f32 gt58, gt58, gc58; add.rn.f32 gt59, gt59, gc59; "
        + "add.rn.f32 gt60, gt60, gc60; add.rn.f32 gt61, gt61, gc61; add.rn.f32 gt62, gt62, gc62; "
        + "add.rn.f32 gt63, gt63, gc63; ";

    /// <summary>Writes the sums from the address %0 on, a row block 4,096 bytes from the next.</summary>
    public const string StoreSums =
        "st.global.v4.f32 [%0+0], {gc0,gc1,gc2,gc3}; st.global.v4.f32 [%0+4096], {gc4,gc5,gc6,gc7}; "
        + "st.global.v4.f32 [%0+8192], {gc8,gc9,gc10,gc11}; "
        + "st.global.v4.f32 [%0+12288], {gc12,gc13,gc14,gc15}; "
        + "st.global.v4.f32 [%0+16384], {gc16,gc17,gc18,gc19}; "
        + "st.global.v4.f32 [%0+20480], {gc20,gc21,gc22,gc23}; "
        + "st.global.v4.f32 [%0+24576], {gc24,gc25,gc26,gc27}; "
        + "st.global.v4.f32 [%0+28672], {gc28,gc29,gc30,gc31}; "
        + "st.global.v4.f32 [%0+32768], {gc32,gc33,gc34,gc35}; "
        + "st.global.v4.f32 [%0+36864], {gc36,gc37,gc38,gc39}; "
        + "st.global.v4.f32 [%0+40960], {gc40,gc41,gc42,gc43}; "
        + "st.global.v4.f32 [%0+45056], {gc44,gc45,gc46,gc47}; "
        + "st.global.v4.f32 [%0+49152], {gc48,gc49,gc50,gc51}; "
        + "st.global.v4.f32 [%0+53248], {gc52,gc53,gc54,gc55}; "
        + "st.global.v4.f32 [%0+57344], {gc56,gc57,gc58,gc59}; "
        + "st.global.v4.f32 [%0+61440], {gc60,gc61,gc62,gc63}; ";

    /// <summary>Writes the totals from the address %0 on, a row block 4,096 bytes from the next.</summary>
    public const string StoreTotals =
        "st.global.v4.f32 [%0+0], {gt0,gt1,gt2,gt3}; st.global.v4.f32 [%0+4096], {gt4,gt5,gt6,gt7}; "
        + "st.global.v4.f32 [%0+8192], {gt8,gt9,gt10,gt11}; "
        + "st.global.v4.f32 [%0+12288], {gt12,gt13,gt14,gt15}; "
        + "st.global.v4.f32 [%0+16384], {gt16,gt17,gt18,gt19}; "
        + "st.global.v4.f32 [%0+20480], {gt20,gt21,gt22,gt23}; "
        + "st.global.v4.f32 [%0+24576], {gt24,gt25,gt26,gt27}; "
        + "st.global.v4.f32 [%0+28672], {gt28,gt29,gt30,gt31}; "
        + "st.global.v4.f32 [%0+32768], {gt32,gt33,gt34,gt35}; "
        + "st.global.v4.f32 [%0+36864], {gt36,gt37,gt38,gt39}; "
        + "st.global.v4.f32 [%0+40960], {gt40,gt41,gt42,gt43}; "
        + "st.global.v4.f32 [%0+45056], {gt44,gt45,gt46,gt47}; "
        + "st.global.v4.f32 [%0+49152], {gt48,gt49,gt50,gt51}; "
        + "st.global.v4.f32 [%0+53248], {gt52,gt53,gt54,gt55}; "
        + "st.global.v4.f32 [%0+57344], {gt56,gt57,gt58,gt59}; "
        + "st.global.v4.f32 [%0+61440], {gt60,gt61,gt62,gt63}; ";

    /// <summary>A stage whose weights go to the first eight registers.</summary>
    public const string MultiplyEven =
        LoadEven
        + Open
        + Multiply
        + "{ga0,ga1,ga2,ga3}, %1"
        + Close
        + NextPart
        + Multiply
        + "{ga0,ga1,ga2,ga3}, d"
        + Close
        + NextTile
        + Multiply
        + "{ga4,ga5,ga6,ga7}, d"
        + Close
        + LastPart
        + Multiply
        + "{ga4,ga5,ga6,ga7}, d"
        + Close
        + Commit;

    /// <summary>A stage whose weights go to the others.</summary>
    public const string MultiplyOdd =
        LoadOdd
        + Open
        + Multiply
        + "{ga8,ga9,ga10,ga11}, %1"
        + Close
        + NextPart
        + Multiply
        + "{ga8,ga9,ga10,ga11}, d"
        + Close
        + NextTile
        + Multiply
        + "{ga12,ga13,ga14,ga15}, d"
        + Close
        + LastPart
        + Multiply
        + "{ga12,ga13,ga14,ga15}, d"
        + Close
        + Commit;

    private const string LoadEven =
        "ld.shared.v4.b32 {ga0,ga1,ga2,ga3}, [%0]; ld.shared.v4.b32 {ga4,ga5,ga6,ga7}, [%0+4096]; ";
    private const string LoadOdd =
        "ld.shared.v4.b32 {ga8,ga9,ga10,ga11}, [%0]; ld.shared.v4.b32 {ga12,ga13,ga14,ga15}, [%0+4096]; ";
    private const string Open = "wgmma.fence.sync.aligned; { .reg .pred all; .reg .b64 d; setp.ne.b32 all, 1, 0; ";
    private const string NextPart = "add.s64 d, %1, 16; ";
    private const string NextTile = "add.s64 d, %1, 512; ";
    private const string LastPart = "add.s64 d, %1, 528; ";
    private const string Close = ", all, 1, 1, 0; ";
    private const string Commit = "} wgmma.commit_group.sync.aligned;";

    private const string Multiply =
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {gc0,gc1,gc2,gc3,gc4,gc5,gc6,gc7,gc8,gc9,gc10,"
        + "gc11,gc12,gc13,gc14,gc15,gc16,gc17,gc18,gc19,gc20,gc21,gc22,gc23,gc24,gc25,gc26,gc27,gc28,gc29,gc30,"
        + "gc31,gc32,gc33,gc34,gc35,gc36,gc37,gc38,gc39,gc40,gc41,gc42,gc43,gc44,gc45,gc46,gc47,gc48,gc49,gc50,"
        + "gc51,gc52,gc53,gc54,gc55,gc56,gc57,gc58,gc59,gc60,gc61,gc62,gc63}, ";
}
