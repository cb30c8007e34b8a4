using System.Text;

namespace Ppsd.Actors.Hocon;

/// <summary>Text that goes into HOCON as a value, whatever stands in it.</summary>
internal static class HoconText
{
    /// <summary>The text as a quoted string.</summary>
    public static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var character in text)
        {
            _ = character switch
            {
                '"' or '\\' => quoted.Append('\\').Append(character),
                < ' ' => quoted.Append($"\\u{(int)character:x4}"),
                _ => quoted.Append(character),
            };
        }

        return quoted.Append('"').ToString();
    }
}
