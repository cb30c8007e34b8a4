namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>What <see cref="WideTile.StoreSums"/> says to a card; registers are <see cref="WideAssembly"/>'s.</summary>
internal static class MiddleAssembly
{
    /// <summary>
    /// Stores a lane's sums to shared memory at %0, [row, <see cref="MiddleProductKernel.SumStride"/>]: sixteen blocks of
    /// (output, row), (output, row + 1), (output + 8, row), (output + 8, row + 1).
    /// </summary>
    public const string StoreSums =
        "st.shared.f32 [%0+0], tc0; st.shared.f32 [%0+272], tc1; st.shared.f32 [%0+32], tc2; st.shared.f32 [%0+304], tc3; "
        + "st.shared.f32 [%0+2176], tc4; st.shared.f32 [%0+2448], tc5; st.shared.f32 [%0+2208], tc6; st.shared.f32 [%0+2480], tc7; "
        + "st.shared.f32 [%0+4352], tc8; st.shared.f32 [%0+4624], tc9; st.shared.f32 [%0+4384], tc10; st.shared.f32 [%0+4656], tc11; "
        + "st.shared.f32 [%0+6528], tc12; st.shared.f32 [%0+6800], tc13; st.shared.f32 [%0+6560], tc14; st.shared.f32 [%0+6832], tc15; "
        + "st.shared.f32 [%0+64], tc16; st.shared.f32 [%0+336], tc17; st.shared.f32 [%0+96], tc18; st.shared.f32 [%0+368], tc19; "
        + "st.shared.f32 [%0+2240], tc20; st.shared.f32 [%0+2512], tc21; st.shared.f32 [%0+2272], tc22; st.shared.f32 [%0+2544], tc23; "
        + "st.shared.f32 [%0+4416], tc24; st.shared.f32 [%0+4688], tc25; st.shared.f32 [%0+4448], tc26; st.shared.f32 [%0+4720], tc27; "
        + "st.shared.f32 [%0+6592], tc28; st.shared.f32 [%0+6864], tc29; st.shared.f32 [%0+6624], tc30; st.shared.f32 [%0+6896], tc31; "
        + "st.shared.f32 [%0+128], tc32; st.shared.f32 [%0+400], tc33; st.shared.f32 [%0+160], tc34; st.shared.f32 [%0+432], tc35; "
        + "st.shared.f32 [%0+2304], tc36; st.shared.f32 [%0+2576], tc37; st.shared.f32 [%0+2336], tc38; st.shared.f32 [%0+2608], tc39; "
        + "st.shared.f32 [%0+4480], tc40; st.shared.f32 [%0+4752], tc41; st.shared.f32 [%0+4512], tc42; st.shared.f32 [%0+4784], tc43; "
        + "st.shared.f32 [%0+6656], tc44; st.shared.f32 [%0+6928], tc45; st.shared.f32 [%0+6688], tc46; st.shared.f32 [%0+6960], tc47; "
        + "st.shared.f32 [%0+192], tc48; st.shared.f32 [%0+464], tc49; st.shared.f32 [%0+224], tc50; st.shared.f32 [%0+496], tc51; "
        + "st.shared.f32 [%0+2368], tc52; st.shared.f32 [%0+2640], tc53; st.shared.f32 [%0+2400], tc54; st.shared.f32 [%0+2672], tc55; "
        + "st.shared.f32 [%0+4544], tc56; st.shared.f32 [%0+4816], tc57; st.shared.f32 [%0+4576], tc58; st.shared.f32 [%0+4848], tc59; "
        + "st.shared.f32 [%0+6720], tc60; st.shared.f32 [%0+6992], tc61; st.shared.f32 [%0+6752], tc62; st.shared.f32 [%0+7024], tc63; ";
}
