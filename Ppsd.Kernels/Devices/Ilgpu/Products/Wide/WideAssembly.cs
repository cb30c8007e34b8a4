namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>
/// PTX of <see cref="WideTile"/>. Registers: sums are tc, totals tt, sixteen tiles of four registers each. Written out
/// rather than built in loops, because ILGPU emits only constant strings.
/// </summary>
internal static class WideAssembly
{
    /// <summary>Declares sums and totals.</summary>
    public const string Declare =
        ".reg .f32 tc<64>; .reg .f32 tt<64>; .reg .b32 wa<4>; .reg .b32 wb<4>; .reg .b32 wc<4>; "
        + ".reg .b32 wd<4>; .reg .b32 xa<4>; .reg .b32 xb<4>; .reg .b32 xc<4>; .reg .b32 xd<4>;";

    /// <summary>Makes the sums zero.</summary>
    public const string ClearSums =
        "mov.b32 tc0, 0; mov.b32 tc1, 0; mov.b32 tc2, 0; mov.b32 tc3, 0; "
        + "mov.b32 tc4, 0; mov.b32 tc5, 0; mov.b32 tc6, 0; mov.b32 tc7, 0; "
        + "mov.b32 tc8, 0; mov.b32 tc9, 0; mov.b32 tc10, 0; mov.b32 tc11, 0; "
        + "mov.b32 tc12, 0; mov.b32 tc13, 0; mov.b32 tc14, 0; mov.b32 tc15, 0; "
        + "mov.b32 tc16, 0; mov.b32 tc17, 0; mov.b32 tc18, 0; mov.b32 tc19, 0; "
        + "mov.b32 tc20, 0; mov.b32 tc21, 0; mov.b32 tc22, 0; mov.b32 tc23, 0; "
        + "mov.b32 tc24, 0; mov.b32 tc25, 0; mov.b32 tc26, 0; mov.b32 tc27, 0; "
        + "mov.b32 tc28, 0; mov.b32 tc29, 0; mov.b32 tc30, 0; mov.b32 tc31, 0; "
        + "mov.b32 tc32, 0; mov.b32 tc33, 0; mov.b32 tc34, 0; mov.b32 tc35, 0; "
        + "mov.b32 tc36, 0; mov.b32 tc37, 0; mov.b32 tc38, 0; mov.b32 tc39, 0; "
        + "mov.b32 tc40, 0; mov.b32 tc41, 0; mov.b32 tc42, 0; mov.b32 tc43, 0; "
        + "mov.b32 tc44, 0; mov.b32 tc45, 0; mov.b32 tc46, 0; mov.b32 tc47, 0; "
        + "mov.b32 tc48, 0; mov.b32 tc49, 0; mov.b32 tc50, 0; mov.b32 tc51, 0; "
        + "mov.b32 tc52, 0; mov.b32 tc53, 0; mov.b32 tc54, 0; mov.b32 tc55, 0; "
        + "mov.b32 tc56, 0; mov.b32 tc57, 0; mov.b32 tc58, 0; mov.b32 tc59, 0; "
        + "mov.b32 tc60, 0; mov.b32 tc61, 0; mov.b32 tc62, 0; mov.b32 tc63, 0; ";

    /// <summary>Makes the totals zero.</summary>
    public const string ClearTotals =
        "mov.b32 tt0, 0; mov.b32 tt1, 0; mov.b32 tt2, 0; mov.b32 tt3, 0; "
        + "mov.b32 tt4, 0; mov.b32 tt5, 0; mov.b32 tt6, 0; mov.b32 tt7, 0; "
        + "mov.b32 tt8, 0; mov.b32 tt9, 0; mov.b32 tt10, 0; mov.b32 tt11, 0; "
        + "mov.b32 tt12, 0; mov.b32 tt13, 0; mov.b32 tt14, 0; mov.b32 tt15, 0; "
        + "mov.b32 tt16, 0; mov.b32 tt17, 0; mov.b32 tt18, 0; mov.b32 tt19, 0; "
        + "mov.b32 tt20, 0; mov.b32 tt21, 0; mov.b32 tt22, 0; mov.b32 tt23, 0; "
        + "mov.b32 tt24, 0; mov.b32 tt25, 0; mov.b32 tt26, 0; mov.b32 tt27, 0; "
        + "mov.b32 tt28, 0; mov.b32 tt29, 0; mov.b32 tt30, 0; mov.b32 tt31, 0; "
        + "mov.b32 tt32, 0; mov.b32 tt33, 0; mov.b32 tt34, 0; mov.b32 tt35, 0; "
        + "mov.b32 tt36, 0; mov.b32 tt37, 0; mov.b32 tt38, 0; mov.b32 tt39, 0; "
        + "mov.b32 tt40, 0; mov.b32 tt41, 0; mov.b32 tt42, 0; mov.b32 tt43, 0; "
        + "mov.b32 tt44, 0; mov.b32 tt45, 0; mov.b32 tt46, 0; mov.b32 tt47, 0; "
        + "mov.b32 tt48, 0; mov.b32 tt49, 0; mov.b32 tt50, 0; mov.b32 tt51, 0; "
        + "mov.b32 tt52, 0; mov.b32 tt53, 0; mov.b32 tt54, 0; mov.b32 tt55, 0; "
        + "mov.b32 tt56, 0; mov.b32 tt57, 0; mov.b32 tt58, 0; mov.b32 tt59, 0; "
        + "mov.b32 tt60, 0; mov.b32 tt61, 0; mov.b32 tt62, 0; mov.b32 tt63, 0; ";

    /// <summary>Adds the sums to the totals and clears them.</summary>
    public const string Take =
        "add.rn.f32 tt0, tt0, tc0; mov.b32 tc0, 0; add.rn.f32 tt1, tt1, tc1; mov.b32 tc1, 0; "
        + "add.rn.f32 tt2, tt2, tc2; mov.b32 tc2, 0; add.rn.f32 tt3, tt3, tc3; mov.b32 tc3, 0; "
        + "add.rn.f32 tt4, tt4, tc4; mov.b32 tc4, 0; add.rn.f32 tt5, tt5, tc5; mov.b32 tc5, 0; "
        + "add.rn.f32 tt6, tt6, tc6; mov.b32 tc6, 0; add.rn.f32 tt7, tt7, tc7; mov.b32 tc7, 0; "
        + "add.rn.f32 tt8, tt8, tc8; mov.b32 tc8, 0; add.rn.f32 tt9, tt9, tc9; mov.b32 tc9, 0; "
        + "add.rn.f32 tt10, tt10, tc10; mov.b32 tc10, 0; add.rn.f32 tt11, tt11, tc11; mov.b32 tc11, 0; "
        + "add.rn.f32 tt12, tt12, tc12; mov.b32 tc12, 0; add.rn.f32 tt13, tt13, tc13; mov.b32 tc13, 0; "
        + "add.rn.f32 tt14, tt14, tc14; mov.b32 tc14, 0; add.rn.f32 tt15, tt15, tc15; mov.b32 tc15, 0; "
        + "add.rn.f32 tt16, tt16, tc16; mov.b32 tc16, 0; add.rn.f32 tt17, tt17, tc17; mov.b32 tc17, 0; "
        + "add.rn.f32 tt18, tt18, tc18; mov.b32 tc18, 0; add.rn.f32 tt19, tt19, tc19; mov.b32 tc19, 0; "
        + "add.rn.f32 tt20, tt20, tc20; mov.b32 tc20, 0; add.rn.f32 tt21, tt21, tc21; mov.b32 tc21, 0; "
        + "add.rn.f32 tt22, tt22, tc22; mov.b32 tc22, 0; add.rn.f32 tt23, tt23, tc23; mov.b32 tc23, 0; "
        + "add.rn.f32 tt24, tt24, tc24; mov.b32 tc24, 0; add.rn.f32 tt25, tt25, tc25; mov.b32 tc25, 0; "
        + "add.rn.f32 tt26, tt26, tc26; mov.b32 tc26, 0; add.rn.f32 tt27, tt27, tc27; mov.b32 tc27, 0; "
        + "add.rn.f32 tt28, tt28, tc28; mov.b32 tc28, 0; add.rn.f32 tt29, tt29, tc29; mov.b32 tc29, 0; "
        + "add.rn.f32 tt30, tt30, tc30; mov.b32 tc30, 0; add.rn.f32 tt31, tt31, tc31; mov.b32 tc31, 0; "
        + "add.rn.f32 tt32, tt32, tc32; mov.b32 tc32, 0; add.rn.f32 tt33, tt33, tc33; mov.b32 tc33, 0; "
        + "add.rn.f32 tt34, tt34, tc34; mov.b32 tc34, 0; add.rn.f32 tt35, tt35, tc35; mov.b32 tc35, 0; "
        + "add.rn.f32 tt36, tt36, tc36; mov.b32 tc36, 0; add.rn.f32 tt37, tt37, tc37; mov.b32 tc37, 0; "
        + "add.rn.f32 tt38, tt38, tc38; mov.b32 tc38, 0; add.rn.f32 tt39, tt39, tc39; mov.b32 tc39, 0; "
        + "add.rn.f32 tt40, tt40, tc40; mov.b32 tc40, 0; add.rn.f32 tt41, tt41, tc41; mov.b32 tc41, 0; "
        + "add.rn.f32 tt42, tt42, tc42; mov.b32 tc42, 0; add.rn.f32 tt43, tt43, tc43; mov.b32 tc43, 0; "
        + "add.rn.f32 tt44, tt44, tc44; mov.b32 tc44, 0; add.rn.f32 tt45, tt45, tc45; mov.b32 tc45, 0; "
        + "add.rn.f32 tt46, tt46, tc46; mov.b32 tc46, 0; add.rn.f32 tt47, tt47, tc47; mov.b32 tc47, 0; "
        + "add.rn.f32 tt48, tt48, tc48; mov.b32 tc48, 0; add.rn.f32 tt49, tt49, tc49; mov.b32 tc49, 0; "
        + "add.rn.f32 tt50, tt50, tc50; mov.b32 tc50, 0; add.rn.f32 tt51, tt51, tc51; mov.b32 tc51, 0; "
        + "add.rn.f32 tt52, tt52, tc52; mov.b32 tc52, 0; add.rn.f32 tt53, tt53, tc53; mov.b32 tc53, 0; "
        + "add.rn.f32 tt54, tt54, tc54; mov.b32 tc54, 0; add.rn.f32 tt55, tt55, tc55; mov.b32 tc55, 0; "
        + "add.rn.f32 tt56, tt56, tc56; mov.b32 tc56, 0; add.rn.f32 tt57, tt57, tc57; mov.b32 tc57, 0; "
        + "add.rn.f32 tt58, tt58, tc58; mov.b32 tc58, 0; add.rn.f32 tt59, tt59, tc59; mov.b32 tc59, 0; "
        + "add.rn.f32 tt60, tt60, tc60; mov.b32 tc60, 0; add.rn.f32 tt61, tt61, tc61; mov.b32 tc61, 0; "
        + "add.rn.f32 tt62, tt62, tc62; mov.b32 tc62, 0; add.rn.f32 tt63, tt63, tc63; mov.b32 tc63, 0; ";

    /// <summary>Adds a tile of columns; operands are the addresses of the lane's first weights and of its first x.</summary>
    public const string AddTile =
        ReadWeights
        + ReadRows
        + MultiplyHighA
        + MultiplyHighB
        + MultiplyHighC
        + MultiplyHighD
        + MultiplyLowA
        + MultiplyLowB
        + MultiplyLowC
        + MultiplyLowD;

    private const string Product = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ";
    private const string ReadWeights =
        "ld.shared.v4.b32 {wa0,wa1,wa2,wa3}, [%0]; ld.shared.v4.b32 {wb0,wb1,wb2,wb3}, [%0+512]; "
        + "ld.shared.v4.b32 {wc0,wc1,wc2,wc3}, [%0+1024]; ld.shared.v4.b32 {wd0,wd1,wd2,wd3}, [%0+1536]; ";
    private const string ReadRows =
        "ld.shared.v4.b32 {xa0,xa1,xa2,xa3}, [%1]; ld.shared.v4.b32 {xb0,xb1,xb2,xb3}, [%1+512]; "
        + "ld.shared.v4.b32 {xc0,xc1,xc2,xc3}, [%1+1024]; ld.shared.v4.b32 {xd0,xd1,xd2,xd3}, [%1+1536]; ";
    private const string A = ", {wa0,wa1,wa2,wa3}, ";
    private const string B = ", {wb0,wb1,wb2,wb3}, ";
    private const string C = ", {wc0,wc1,wc2,wc3}, ";
    private const string D = ", {wd0,wd1,wd2,wd3}, ";
    private const string T0 = "{tc0,tc1,tc2,tc3}";
    private const string T1 = "{tc4,tc5,tc6,tc7}";
    private const string T2 = "{tc8,tc9,tc10,tc11}";
    private const string T3 = "{tc12,tc13,tc14,tc15}";
    private const string T4 = "{tc16,tc17,tc18,tc19}";
    private const string T5 = "{tc20,tc21,tc22,tc23}";
    private const string T6 = "{tc24,tc25,tc26,tc27}";
    private const string T7 = "{tc28,tc29,tc30,tc31}";
    private const string T8 = "{tc32,tc33,tc34,tc35}";
    private const string T9 = "{tc36,tc37,tc38,tc39}";
    private const string T10 = "{tc40,tc41,tc42,tc43}";
    private const string T11 = "{tc44,tc45,tc46,tc47}";
    private const string T12 = "{tc48,tc49,tc50,tc51}";
    private const string T13 = "{tc52,tc53,tc54,tc55}";
    private const string T14 = "{tc56,tc57,tc58,tc59}";
    private const string T15 = "{tc60,tc61,tc62,tc63}";
    private const string High0 = "{xa0,xa1}, ";
    private const string High1 = "{xb0,xb1}, ";
    private const string High2 = "{xc0,xc1}, ";
    private const string High3 = "{xd0,xd1}, ";
    private const string Low0 = "{xa2,xa3}, ";
    private const string Low1 = "{xb2,xb3}, ";
    private const string Low2 = "{xc2,xc3}, ";
    private const string Low3 = "{xd2,xd3}, ";
    private const string End = "; ";

    // The upper parts of x.
    private const string MultiplyHighA =
        Product
        + T0
        + A
        + High0
        + T0
        + End
        + Product
        + T1
        + A
        + High1
        + T1
        + End
        + Product
        + T2
        + A
        + High2
        + T2
        + End
        + Product
        + T3
        + A
        + High3
        + T3
        + End;
    private const string MultiplyHighB =
        Product
        + T4
        + B
        + High0
        + T4
        + End
        + Product
        + T5
        + B
        + High1
        + T5
        + End
        + Product
        + T6
        + B
        + High2
        + T6
        + End
        + Product
        + T7
        + B
        + High3
        + T7
        + End;
    private const string MultiplyHighC =
        Product
        + T8
        + C
        + High0
        + T8
        + End
        + Product
        + T9
        + C
        + High1
        + T9
        + End
        + Product
        + T10
        + C
        + High2
        + T10
        + End
        + Product
        + T11
        + C
        + High3
        + T11
        + End;
    private const string MultiplyHighD =
        Product
        + T12
        + D
        + High0
        + T12
        + End
        + Product
        + T13
        + D
        + High1
        + T13
        + End
        + Product
        + T14
        + D
        + High2
        + T14
        + End
        + Product
        + T15
        + D
        + High3
        + T15
        + End;

    // The lower parts of x.
    private const string MultiplyLowA =
        Product
        + T0
        + A
        + Low0
        + T0
        + End
        + Product
        + T1
        + A
        + Low1
        + T1
        + End
        + Product
        + T2
        + A
        + Low2
        + T2
        + End
        + Product
        + T3
        + A
        + Low3
        + T3
        + End;
    private const string MultiplyLowB =
        Product
        + T4
        + B
        + Low0
        + T4
        + End
        + Product
        + T5
        + B
        + Low1
        + T5
        + End
        + Product
        + T6
        + B
        + Low2
        + T6
        + End
        + Product
        + T7
        + B
        + Low3
        + T7
        + End;
    private const string MultiplyLowC =
        Product
        + T8
        + C
        + Low0
        + T8
        + End
        + Product
        + T9
        + C
        + Low1
        + T9
        + End
        + Product
        + T10
        + C
        + Low2
        + T10
        + End
        + Product
        + T11
        + C
        + Low3
        + T11
        + End;
    private const string MultiplyLowD =
        Product
        + T12
        + D
        + Low0
        + T12
        + End
        + Product
        + T13
        + D
        + Low1
        + T13
        + End
        + Product
        + T14
        + D
        + Low2
        + T14
        + End
        + Product
        + T15
        + D
        + Low3
        + T15
        + End;
}
