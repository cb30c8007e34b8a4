using System.IO.Compression;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// The Unicode data that normalization form C needs, which .NET does not offer when it runs without ICU: canonical
/// decompositions, compositions and combining classes.
/// </summary>
/// <remarks>
/// From the Unicode Character Database 14.0, UnicodeData.txt fields 3 and 5 (https://www.unicode.org/ucd/). Unicode
/// promises that the normalization of assigned characters never changes. The packed text is base64 of a deflate stream
/// of LEB128 numbers. First the count of decompositions, then for each: the distance from the character before; three
/// times the zigzag distance to its first part, plus 0 for no second part, 1 for a second part, 2 for a second part
/// that does not compose again; and the second part if there is one. Then the count of runs of one combining class, and
/// for each: the distance from the start of the run before, its length, its class.
/// </remarks>
internal sealed class NfcData
{
    private const string Packed = """
        xXcLUFVbml59+xzOOfs8eQn39vW2t+3uTLor1TW3ku6RNzhJVx4zlUxPp2aqpipJV01NKtVJJqlM5VVJXZ4iLxFBEBARERARERUBRRRRkYfy
        Bh8HUYHNS0TkcsEHkO9fB2wzuX3TqXQlFP+3/73W/17/WnudLP/rWPOLt2DDL8GCZEuiBemWJAsOWvZbkG9Jt2j5lip5jZdXihwVkRMy+zVj
        2kGf7l+b4NgpzpryZeKoTJyQiVM+HwkW0//3CDRlb82WbEGrlZCs77Ogy0o4qJ+yYMR6SrgE4cSoTt1nVjGgp1rwwkq4qGda8MZKuCxcvC3T
        YurRaeqQGL0v9o7ZCJOicdpGeCmWL9kI70TjBjXIJQpH2G+n8D3RyLNT+KFoHLezEIaNUGmnyHPKmZrszG3DRrhpp6N0cdknuvni0mun+RPi
        aIZWzG9E7br4iHfQym29yqJlOpjRgOR2RMYecwwnHYxljlH5tchsop1wR2YPSARDMltkz7SYnzvo7bz4XXPQW6v4TXZmsHT2DIsp3ZkgsRDy
        nVUSC+GEM1NiIZyS2Rcye9HJgHyhidw+cdQjcofE0YCM+UKTMQnN9NLJfC85CO+cdH5DwtjvkoJJGHmudBbMQTjuYiyGg3DGxRq8cpwSLlG4
        xA+5Jtd+AcayIfnedLHY6U5CnytTos+07J70FHPd3MUWd5E/uSfkPr0dyNnMAMIJ4Wb8CenC9Qn3SiaahBuS+IqkTE/EfKUk/VxyOy+FWHPE
        S+niLVqRS4kQKkzbUCljUmdTUxCFN8TomaBt88eDmJERQBDrQnc0Dg9at2IyZwbL6gZyj70JopvrgYQWt6ypZHtDuP3CPRNQS7IWnM1wggjJ
        O3K4kkE5v/nYcxk7L2NrwTkyS3glY00ytiFjN3+d7tEdlQwjiHBCuBlypsQQ5nEnONNi9YakyoQsSQhbIX8H4StPsiQja+9PuCdck8htBKf+
        qiB5IYSHwcmWLG1dw7qmlWiY1hIsvztus2f/jvXMbub8+6Sx7+Af8/FPSX/GA+E/kDLAlxKBMSp868/ZJLtJuzjwOen3SFGkcnww+Qcc+BFp
        Z4LFz8ynfb/lb33Bov8Xnk2/SLCYzfstfuLj9zn2xT6Lw7zP8hkp9Dg4UAlKtWJLrEs8e2X8OPZZPrKzXKR/GC+Hwm3LPot7Q7ibckql63Td
        Z+UJ9/7kMtGzeOf2J8xwjqfVfjmtKHVZjol4OZluy1imjXBWuC9ldltzTYZbRfO6yO8T+R6ROiQT9/UMOdMyPhgzveeqtV2DTnw85MQDEFzD
        PqYIXww5NfOQM4A0Yja3BNpIJtL3ckwtgfgVvNYIT99DvUAp4V+HtAZh52iQP4eDZC5I43DQz/1agk3uluDvUjkYCmgh2ES94DmYR0JMIa0h
        1AsRvRDRC/k9+2joT0JaQyG0ezT0v9lHPvrP5uGPrSTYRz7WQm58DPJfhLR+C0K7R791AOauTzT/3k/kiZ3jn0xpfo277CS/D8i1goZddser
        b2uhX34bc1r8Lm2SoP/z+F2Bv07835jPfvZkh7nhJ9pfIzPpB1u8yd7wE9h9/FW/tUmtguszIbgxqbHnb04Ipk9p5eyGCcH8Ka2eTTQhmDzO
        LkaX9DJOTInkjJI/q+S/VPKXlXz8pODtKY27LHNScGBKq+UxPCmY7tXitzHfK9Z8+FLJXFIy76a0czxfJgUv9Wr7tvGAIR6HVLR5hiZbc1Kw
        SI0/UeOVhkTyfFLwvKFJI04KthoSSbKKqsvQzvKTPCXYZ4iXfOWx6YlEsvFY0GtsZUqcUTa3MjUkO1+mb9T4dTW+fWIcmpaZ+2r+2LRkM6ky
        OynHBuaUvXPTEulXqoot06KdqCzdUOP7VTb31HieGn+obB5Xng1l84wheOepWDugoh56KlkWPRHM364u8YSqrg/zZz7IbEatofL1IX92ZivL
        D3K6PSOeM1UUPUr2kIr0vpI9piK97JURH574AHdvUeKsvN1RegdmRWNI6RXNitUnynblrGT13JfhrHaS5/+0YNOsrM7GtOBNJZM+I/hYZfUe
        92/js1lN7mwzgi+Ur4u+rGalIpdnBOPnROu2qkjmnGgNzAgemZMIH6ssT86J1pzSPa3GX6rxS0r+nZJvUeO+7G7MaXL5mhW8p3TzlPeHc2r9
        VKaHFN83K7rMhfeMVkGtcowW/Jqei/yG0r35XEtjpvOCXWrNDqruGTEk/qNTgs8MmT01JfjCkHwvTgn+NNFH+yZFw4eHJkXDh8cmRcOHpydF
        w4eJ/Fb44NyCxPDVvGDLgsglqnjuLIjcgeeCl1RPv1NRsXfjVe/Gq95NU72bpno3SfUu8WeJPlpT9lqVveQX4qFL5f1c+Tyv+A9lDOXnjKrB
        K+WnSfnZUH5uKj/parX7jA+zf6h2sg+Nx6Lhw1ePRcOH3O1J25g+Lp59eF/FdUxFNPlC1UlFNKSs+fCJsubD58qaD9eUNR8mK2s+zFsUyYcL
        gscXZcRQ9s8sqniU/aZFFY9U2Xq/Q8tlL3ZoedyH8T4KSfDR7hs+utMpMvc6v0nm+B2RqbzzNTKmg10yl9/1dXNfKr03d77J9qTSn+v6v42x
        qVtkWru/SSZZ+Ur/+liV/puv0zddV3q3vylG7VIPZzW5SHNUk9H9yuKBb4xorUdkNnr+NzIcLb6r4bniyt5zVe+5WnJDisvo0dCiuBxy5xRX
        0KOZNvxuya/c3xoc+y3DhvbbhTX1xd/ole97uokD6X0yfFZQO9qnsbBmvs/0i9iLfhH7sl+KdWVAQ/yASBX3aaa8FZEcEAO3lYHEfpm6/97A
        uQFRShrUtrg0ci2ijp/x7U+5jv9MekG5OaDcMATOZA9qpjP9YqVH2VobUPEOiETyoEhMDGpah1zA2+QqfgWyEZWZSmVmv4q2jtH29UsTjfRL
        E91UJisVHhwU6fxBkT6qTNYMabg+KHJHV+V9me+jbzTTDVmBN5IZnqn8Mge288sbUl01rGFSmUgh93JQJC+saiYnnBXa/FPN3JhuwtNk01+G
        N1nwd5osQUVosuwK4sv3SXz+2NzEnyRNFhPpI5JG+mSn791k972H9hWafJyjleo4XcRXnFT4Ux+JKOy/elp387n7fx3/rsSxc4tCmiyfj9Aq
        FEyatsB6TyP3P0Pk5SKAdN5ja7K8tJsLf6H9H5DpA95Kgr1I8d/0DB0wFf5CHLn/Xzkz/YgvH5CZk4kHTXeP2NF934W7b3SMH7Kj7o0Tiwn+
        aL/qweY5G1Lqbbj7zo3BER2HT3tweN2N1MNuPCp1ovm8AxNP7Ujts6OwzY7Dho7Ziy48yHZh/pkTg61OlL6xo8CrY3nFhtxND6bbPcitdiGb
        v9CqJ+xIu2nDxF03Ol44kTBjx3qLHRWZbvQXOFDbY0d9ixuzjG8904WCLifqJ3VML3vQ8cCDiW4PUlZcqD/jQid/7d0qdqLurAMFBuN5Zkdt
        qh1lR3Q0T9mwftuGgv1OzL9zoKbbgSsJDox36Uhqs2HzjB29yR6sXnZj+KEDVdUODA9QNsWJsnw7Zot1VKd4sPyQdbjkQl2aC6us09V+B3Jv
        OVB2Usf6XQ9qqXeXcV146MGDrzhHP9PxtHVCR2GlHbcOuFHY5EIj/T1K8cfdp8yzjmO3WYs6xs98lpOdeMr85i9yfL8/KgpcKF90oXbQgQXW
        rj+TOZc48WjdjuJ6O9pOupC0ouN1kQtXstwYPeDA2xQ3Js45cYHrOPrEgxKvB4PdLqyMONCd58BmnW9Nmu95sNRKm/EeJFxzY+m5C2WvuGaM
        IfesjhquWXm7DePXWbtBD4qfuvD2lAubr5nPLTdWS90YK+LaveXarLMfJpy41kJad6CTuS/UOlC9rmNz1Y6OJZ3rpaNYakNb7Zc9SJ3jenZx
        7oIduTfcyGHOy2m0V+XCwhPqcr0PM4eS4x5kT7lR3kt/590Y73Ci+JoTb5sceH3OgfkHOqaO089RHRW5rMVrrkW8E9lPuC7lOrJOu9Gwjz09
        x1xpZ4l1f7TEHm1xoXrcidVqrvNrO6oWdXRctmHecCGrRsfSiAfdj1xIGHHhQj5z3Me+veVEQ4MTvQepd58x5ugYnvRguNiN0lPsc67d1H03
        UrgHMuK5t6648bbSjexh1r+bPU6ZBq7H6C3WgXF0L7iw+Jh75p4LS8XsZfZCNtcu46oDWXcZE/dAzVMdteyxlD4PqhnDGHXrnzqRet2JtkU7
        +qt0lE7YsNJhQ43Xhdc5LvQfdyCFPZj1ij3IWj4YcaLzpRPDXPt51qI2x4HiMfbFuAeld9woyHcj47EDqwtuTLOXZqdduJVgx9QQ6YyO1Vt2
        3L3txq1Z1uSCx9SW59Hq512mjmfsx0EnuqucqEh3Ypx77Arp1j7WtExHI323tzi0/pd27XWD3ZSxyhot6ObxAzoKSIczdQwO2zDG2t+t1pG2
        4UHzogePuFav73swNsraDvDMaPSg/DzfaxlzgQezh9g/hlut5/IFNxK4xuWn+F7uRjX78eqXXFv28+oQa1HoQsohF/ecC4XSc6zdQqcTD/Kc
        3E/sMVIZaTWDY6QGUnGaj1bYRyvs54RFB3qHHBjlPszivl+4wbEWnjUV3N/HHHhEqt3vwFivHdc67WhvsoP5YuIE1++4HSXshQKescWn2Z/s
        04IiHW2NbmQa38bbcoepOdcfUzPM/bkHdUn+KHjhwZV5D/cpzwKeKaXcL8NXfftGatFZSNnD7KEDPKez2A8JHF9zo6THjdfd7EXuz6ytPTV4
        1o31eu6bGs7VupFbxbmTblzIYa14Zsynu/Fgw4Ua7onxWX4LSEvcAxUNpPPs/+PcKzx/+7M4x7Nvnns9h+d1W7kTy5NOlHAPtT3gk/u1op21
        ZV9WXWJNSRVn2Qu1rOkZJxpPOfGa1JjPPtl0IGPZgbo5B1bGHdwz5Ds5dp39coS9yf6c4jl+pd+O8nt2dHIvPLjG78VV1pLPcX4nVkkTfC+7
        zHPwkh2DJ+1oTufYW54FCzpGJ3jGXeD+5FlWzd7K4VlwjT25zrNi4hi/d+9sqOZ34VnZTjSRjpz5FFe+CuB5F4DSawFoKvwM3oLvYKbue3jb
        ZcO1DtvfLdgMuejQsjZCGh2OlM2QNka8GcJeOAeyp0HuQnxoowPN8aE8na7Fh7b8Rqj9BrPar5H/Zl20J4Q2O/A0IfQav3wK38YTe35ovlxm
        1gQ8uwlJCKo6YVZw1BzSWmnGztFK86Jmv1xthv+5arO282q1+R3sdTVmBesW/3PnzZUvtR9MnbBCgd8LgmOREPCSELpE+PTVCeufOGTWBy+2
        IXRxC673mLNXYnCBlERqPxSK4ekYpE7G4NpEDIqfxKD/YQxKHsSgdzgGUyMxyKnei8XhECT1x2C8L4YnYwwKe2PQNhGCwlN7kcH32nvUfxrC
        L3MMGkjdi9Tj82lPDOb55V/ojEEpab1yLx7dJk8quUlbpNGTe1F/PQY1pOxr1GuN4e7z0UoL47gcgwrSSjPjaYpBHal669lAqj0VwtM1EikN
        Mci6GIO3hSHov8AcSVfOx6C+hnmdY7x1zPOs7/1aFW1UMoZy1uAEa1EWgzRSznHGURqDBFLtMeofiEFZMXX5nC9g3Pm0282Y1qJxeF8MGpNj
        UJUUg+Y0xpvAfEkp76JxpXoHFigzTEogZa9GY+qraMwvR+Nu3g505OxA20I0auc5NheN7hfRWJ+OxmDOXqSQ2p9EI+VxNL8StLEYjNejtEOq
        HaH8cDRynwSjjs8MUnttNBYH6TNjL1L7o9HcRzs9nOuNRuq1YAze9j3HbkZjhXSYdPWaj1aS9qKqNRo1LdG4cCUa9c3RzGEvyvKCeVPZi9JL
        9EVKJR1uoO+3Vsyep258MNpJswciUF0fjTrS6HocGm8HYukgbxVno1FAuvsuDmlnojFWHc2bHm1XRaOxLBrTa3EoexOH0eOcGw5C/TH6PhKN
        UlIhqYZUks/n4Wg8yGVsedFY5XMiJ5r2ozFO6syORhYpNZOx7ef7PtqNZ91OBmEqgXLJrMtmFAY3opD7JgrdhUGoWY3C+NsoZK1HYeVFHAq/
        jELZchQWlqIwymfp8zgMzkahZiYK6zOBWHhGueEoHH4chSuTcVh6GIXaqThkTMdhnXtjiSTzgxxfLovA0ttYJPF9aYhjpPn+KFwYiELh1UC8
        fRaHR1300Udft+njZhTaGgKRwGdZZxRmr0aheTwOT6/wvZH+L0Qhu4b6xYGYPRWFhIdx6K/ge1IgasqjMDwah6QTUXhbypyO+ej18wCuezBW
        pwOQciQKqwMBmD8UhRJSagFjPBCFtCz6SY9CEp+FGVG4RX49jTW4F4BFjuUmMsbNSKTeY45vIlH8NhJTlwPwNjkK7cuRqL4YgOzzAbi1GMkv
        fCTa5iPxgLTeGYfu2UiUTkeik5QxxbnFEKQ+5vzBAKQ9jERDQgDuDnKvkmb7KTvlj+HeSIzdi0T5qD8We/yRczMS9e2RWLrKHrlBHT6vkKYv
        R2KxORKrTdQnLVyMRFZzHMbOcayYN/y6SDwq4G2rlnEVc89U8Mkb4uFXvMXw655WF8e+jOMvl0j0T/B2Q3r9lL9seGufLoxUtEBaKmA8Z+Kw
        msfc+Ww7FYcS3tzXMyKRnRbJfR+JnIo4pFTytrAZgQe8MY8d86BqPQIpryPYB3HIXYnA2JcRuEW6uuFG20vuCVL5QgT7nDYn3aiYiEAhaT6f
        fcFfOysjEajKYc2HI1BG/vVQBB5d4s2hj3azmH93BDI6I7B5izrpcWgu4M2XN8nStDhUZLsx1RiBQd4uei9FYLU+AldI7asu5PJ2VlMbgYQX
        Loye4VhnIFKSWbfqCKxXUCchDlXlEZhY4r7m7XuRt+e2jkDkkJqLIlBLKlgNQ+96LJZyI1CcF4EGPhsHYtB5iPZIWaSSgxEo5a/DOj6nsiLQ
        kR6BnFTaJ391H9+TaWszHN0ZEUjlewKpKoUyZbyR88Y4wZvj1EosOtbC0UZa+Soc7byh1y6HI2nDiYnlWPSTVld5q+HNsop870w4skj907RL
        6p8MR4kRjs1xjj8LR9oj2nkcjlk+7z4Mx8KLWDSOhGN9KBwXFqjfRx+ket6UCrrDsdwVjsW5WIx2hmO0ZS9qsvgLkb/QRidjUUUquBSO3vPh
        qKoJx3wZ/Yw5sFxCH0fDMX4kHFfzaEO++vxejh4MR2NOOH+dhGO1OwTNyeGY3gwDb+dokF8Si2Gong/D4mwYOp7wJstngTcME0M+ynnA+Y4w
        pN4OQ10VfzVfDEPhzVgMng/Dg8P8hXs9FiWVYUjj2T9bFobyGf6KfMxb2OVYZJMKCznWwffGWExf11FXEIYGUmp+GK7xpnY1Kwxj9bEoTQ9D
        fXIYDieF8T5F26djkfvKhrvLe3Btag9GvXuweiwW7SWxWBjdw31kQy757jM2FB+3IbvIhsI7e7B+JBb1t/bw1+oefmeoSyomtd/Yw9uudUOL
        t+wwdmAGZq+ZiPvw8/ppXRpfiQ6vww9+5G2GDS8BAyavyWSYNIWiYoBamlcTZhbanPYeXcZxzc84oMELs2EmUgOPQcZiWCxei2bIlCAHJ8U2
        7IADcAIuwA14AH8gAAiEFqQhGNgBhGgI1fAR8LHySc+B/0Ci+zawC/jsc3wC7AQ+xfYI8B1gtzhimH6G35ZTbwC++xdWQ/fFBubE8Lamvofv
        7VLG8T5I5s2RrUR9uXjh4z9EzTgBq2FV73Z4PzYbfrphNxlmP+N3Td4YXwHNxo8YB+vsNjwf+vDZFU/bOZi2Y1Khx8EaAN287elfqdfPYUQr
        5i8/wHhsczb8HPizv1D8v9X0QOj/XZh/qUF3m3/577T/qJj/+k8076dSS/7f34MEIFFDssWcaCEjkenEWHj/Payapv8c3j4/k9Fo1fTPoB+j
        LweMHi7iQchaSnhb9fj70HfYpBCfM+HtNZdkPlwNs2TiD/13fIlZjShNj4TVqel/D9ZC1sAMqK40NNVxGq/P8FphmDXjzlbdfDUXfg4YUevR
        he8b35fmnBQBPISvRbeXql/sadC4/iZw8S1iD9r7xZQp8bYZajKYl/6Lz4wus1iZlI5nntqTX2q2kXnK+tmNH2rGzzQjn4X6G9CPUHxnoPGP
        TN6/Cf1fwOqCLntHFdJLV1ZpNePH0FcpWM/6fSvRwgSsXk70Mo8JhpAPP6PAJeth/EBi4p/XD3qlL/hWs9lIpaVi6cj3vWj2/viDXmyj8R9C
        90APhw5Yf2oy/ramx8L6h9DtsP5SDV4gUe6PNCs742OrYfczBiA9Zv0Ixp8rkXdQjy+g/yfF/BV0bmrhktgLFlhLKPBz6EHQf8YATdCTNNUm
        fwz9QRH8EGs1ruua5Wwhc+j4gXZfM8GCZ/C777J56c9P835mNo5wnVs/sRq2ACOIyAr5Gema1dhgAaLNxqTD6v0rnhuw/g8=
        """;

    private static readonly Lazy<NfcData> _shared = new(() => new NfcData());

    private readonly Dictionary<int, (int First, int Second)> _decompositions = []; // Second 0: none
    private readonly Dictionary<(int First, int Second), int> _compositions = [];
    private readonly Dictionary<int, byte> _classes = [];

    private NfcData()
    {
        var packed = new MemoryStream(Convert.FromBase64String(Packed));
        using var input = new DeflateStream(packed, CompressionMode.Decompress);
        using var reader = new BinaryReader(input);
        var character = 0;
        for (var count = reader.Read7BitEncodedInt(); count > 0; count--)
        {
            character += reader.Read7BitEncodedInt();
            var (distance, kind) = Math.DivRem(reader.Read7BitEncodedInt(), 3);
            var first = character + ((distance >> 1) ^ -(distance & 1));
            var second = kind == 0 ? 0 : reader.Read7BitEncodedInt();
            _decompositions.Add(character, (first, second));
            if (kind == 1)
            {
                _compositions.Add((first, second), character);
            }
        }

        var start = 0;
        for (var count = reader.Read7BitEncodedInt(); count > 0; count--)
        {
            start += reader.Read7BitEncodedInt();
            var length = reader.Read7BitEncodedInt();
            var combiningClass = reader.ReadByte();
            for (var i = 0; i < length; i++)
            {
                _classes.Add(start + i, combiningClass);
            }
        }
    }

    /// <summary>The one instance, unpacked when first needed (a few milliseconds).</summary>
    public static NfcData Shared => _shared.Value;

    /// <summary>
    /// The one or two characters (Second 0: one) that a character stands for, not yet decomposed themselves.
    /// </summary>
    public bool TryDecompose(int character, out (int First, int Second) parts) =>
        _decompositions.TryGetValue(character, out parts);

    /// <summary>The character that two characters compose to.</summary>
    public bool TryCompose(int first, int second, out int character) =>
        _compositions.TryGetValue((first, second), out character);

    /// <summary>The canonical combining class; 0 for a starter.</summary>
    public byte CombiningClass(int character) => _classes.GetValueOrDefault(character);
}
