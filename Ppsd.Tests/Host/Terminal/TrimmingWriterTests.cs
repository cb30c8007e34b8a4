using Ppsd.Host.Terminal;

namespace Ppsd.Tests.Host.Terminal;

public sealed class TrimmingWriterTests
{
    [TestCase("a  \nb", "a\nb")]
    [TestCase("a  b  ", "a  b")]
    [TestCase("  a \r\n  \n", "  a\r\n\n")]
    [TestCase("   ", "")]
    public void Blanks_at_the_ends_of_lines_are_left_out_however_the_text_is_cut(string text, string expected)
    {
        for (var cut = 0; cut <= text.Length; cut++)
        {
            var inner = new StringWriter();
            using var trimming = new TrimmingWriter(inner);
            trimming.Write(text[..cut]);
            trimming.Write(text[cut..].ToCharArray());

            Assert.That(inner.ToString(), Is.EqualTo(expected), $"cut at {cut}");
        }
    }
}
