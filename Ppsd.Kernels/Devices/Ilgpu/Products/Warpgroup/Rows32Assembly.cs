namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// PTX of <see cref="Rows32"/>. Registers: sums gc, totals gt, weights ga. Written out rather than built in loops, because
/// ILGPU emits only constant strings.
/// </summary>
internal static class Rows32Assembly
{
    /// <summary>Declares sums, totals and weights.</summary>
    public const string Declare = ".reg .f32 gc<16>; .reg .f32 gt<16>; .reg .b32 ga<16>;";

    /// <summary>Makes the sums zero.</summary>
    public const string ClearSums =
        "mov.b32 gc0, 0; mov.b32 gc1, 0; mov.b32 gc2, 0; mov.b32 gc3, 0; mov.b32 gc4, 0; mov.b32 gc5, 0; "
        + "mov.b32 gc6, 0; mov.b32 gc7, 0; mov.b32 gc8, 0; mov.b32 gc9, 0; mov.b32 gc10, 0; mov.b32 gc11, 0; "
        + "mov.b32 gc12, 0; mov.b32 gc13, 0; mov.b32 gc14, 0; mov.b32 gc15, 0; ";

    /// <summary>Makes the totals zero.</summary>
    public const string ClearTotals =
        "mov.b32 gt0, 0; mov.b32 gt1, 0; mov.b32 gt2, 0; mov.b32 gt3, 0; mov.b32 gt4, 0; mov.b32 gt5, 0; "
        + "mov.b32 gt6, 0; mov.b32 gt7, 0; mov.b32 gt8, 0; mov.b32 gt9, 0; mov.b32 gt10, 0; mov.b32 gt11, 0; "
        + "mov.b32 gt12, 0; mov.b32 gt13, 0; mov.b32 gt14, 0; mov.b32 gt15, 0; ";

    /// <summary>Adds the sums to the totals.</summary>
    public const string AddToTotals =
        "add.rn.f32 gt0, gt0, gc0; add.rn.f32 gt1, gt1, gc1; add.rn.f32 gt2, gt2, gc2; "
        + "add.rn.f32 gt3, gt3, gc3; add.rn.f32 gt4, gt4, gc4; add.rn.f32 gt5, gt5, gc5; "
        + "add.rn.f32 gt6, gt6, gc6; add.rn.f32 gt7, gt7, gc7; add.rn.f32 gt8, gt8, gc8; "
        + "add.rn.f32 gt9, gt9, gc9; add.rn.f32 gt10, gt10, gc10; add.rn.f32 gt11, gt11, gc11; "
        + "add.rn.f32 gt12, gt12, gc12; add.rn.f32 gt13, gt13, gc13; add.rn.f32 gt14, gt14, gc14; "
        + "add.rn.f32 gt15, gt15, gc15; ";

    /// <summary>Writes the sums from the address %0 on, a row block 4,096 bytes from the next.</summary>
    public const string StoreSums =
        "st.global.v4.f32 [%0+0], {gc0,gc1,gc2,gc3}; st.global.v4.f32 [%0+4096], {gc4,gc5,gc6,gc7}; "
        + "st.global.v4.f32 [%0+8192], {gc8,gc9,gc10,gc11}; "
        + "st.global.v4.f32 [%0+12288], {gc12,gc13,gc14,gc15}; ";

    /// <summary>Writes the totals from the address %0 on, a row block 4,096 bytes from the next.</summary>
    public const string StoreTotals =
        "st.global.v4.f32 [%0+0], {gt0,gt1,gt2,gt3}; st.global.v4.f32 [%0+4096], {gt4,gt5,gt6,gt7}; "
        + "st.global.v4.f32 [%0+8192], {gt8,gt9,gt10,gt11}; "
        + "st.global.v4.f32 [%0+12288], {gt12,gt13,gt14,gt15}; ";

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
    private const string NextTile = "add.s64 d, %1, 128; ";
    private const string LastPart = "add.s64 d, %1, 144; ";
    private const string Close = ", all, 1, 1, 0; ";
    private const string Commit = "} wgmma.commit_group.sync.aligned;";

    private const string Multiply =
        "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 {gc0,gc1,gc2,gc3,gc4,gc5,gc6,gc7,gc8,gc9,gc10,"
        + "gc11,gc12,gc13,gc14,gc15}, ";
}
