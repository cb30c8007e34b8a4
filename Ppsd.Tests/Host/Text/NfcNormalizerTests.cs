using Ppsd.Host.Text.ByteLevel;

namespace Ppsd.Tests.Host.Text;

public class NfcNormalizerTests
{
    // Input and form C, from the examples of UAX #15 and from NormalizationTest.txt.
    [TestCase("", "")]
    [TestCase("plain é", "plain é")]
    [TestCase("e\u0301", "\u00E9")]
    [TestCase("\u212B", "\u00C5", Description = "a singleton")]
    [TestCase("\u1E69", "\u1E69")]
    [TestCase("s\u0323\u0307", "\u1E69")]
    [TestCase("s\u0307\u0323", "\u1E69", Description = "marks are put in order first")]
    [TestCase("\u1E0B\u0323", "\u1E0D\u0307")]
    [TestCase("q\u0307\u0323", "q\u0323\u0307")]
    [TestCase("\uFB01", "\uFB01", Description = "a ligature is no canonical composition")]
    [TestCase("\u0958", "\u0915\u093C", Description = "excluded from composition")]
    [TestCase("\u1112\u1161\u11AB", "\uD55C", Description = "Hangul")]
    [TestCase("\u1112\u1161", "\uD558")]
    [TestCase("\uD558\u11AB", "\uD55C")]
    [TestCase("\uAC01\u11A8", "\uAC01\u11A8", Description = "a syllable with a trail takes no other")]
    [TestCase("\uF900", "\u8C48", Description = "a compatibility ideograph")]
    [TestCase("\U0001D15E", "\U0001D157\U0001D165")]
    [TestCase("\U00011099\U000110BA", "\U0001109A")]
    [TestCase("a\u0315\u0300\u05AE\u0300b", "\u00E0\u05AE\u0300\u0315b")]
    [TestCase("\u0301e", "\u0301e", Description = "a mark without a starter")]
    [TestCase("\u0308\u0301", "\u0308\u0301")]
    [TestCase("\u0344", "\u0308\u0301")]
    public void Text_is_brought_into_form_C(string text, string expected) =>
        Assert.That(NfcNormalizer.Normalize(text), Is.EqualTo(expected));

    [Test]
    public void Normalizing_twice_changes_nothing()
    {
        var texts = new RandomText(seed: 6);
        for (var i = 0; i < 200; i++)
        {
            var once = NfcNormalizer.Normalize(texts.Next(20));
            Assert.That(NfcNormalizer.Normalize(once), Is.EqualTo(once));
        }
    }
}
