using System.Text;

namespace Ppsd.Host.Text.Tokens;

/// <summary>Repairs of UTF-16 text before it is encoded.</summary>
internal static class UnicodeText
{
    /// <summary>
    /// The text with each half of a broken surrogate pair replaced by U+FFFD, the only text that UTF-8 can carry for
    /// it; the same string when there is none.
    /// </summary>
    public static string WithoutLoneSurrogates(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
            {
                return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            }

            i++;
        }

        return text;
    }
}
