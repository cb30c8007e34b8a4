using System.Text;

namespace Ppsd.Host.Terminal;

/// <summary>Columns that characters take on a terminal; wide ones are East Asian scripts and pictographs (UAX #11).</summary>
internal static class TerminalColumns
{
    /// <summary>Columns of a character.</summary>
    public static int Of(Rune rune) =>
        rune.Value switch
        {
            < 0x20 => 0,
            < 0x1100 => 1,
            <= 0x115F or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) => 2,
            (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) => 2,
            >= 0x1F300 and <= 0x1FAFF => 2,
            >= 0x20000 and <= 0x3FFFD => 2,
            _ => 1,
        };
}
