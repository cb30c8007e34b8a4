using Ppsd.Host.Text;

namespace Ppsd.Tests.Host.Text;

public class GoldenTokenTests
{
    [Test]
    public void SentencePiece_ids_and_text_are_those_of_transformers()
    {
        AssertGoldens(TextTestData.TinyLlama, "gsm-llama.tokens.json");
        AssertGoldens(TextTestData.GsmLlama, "gsm-llama.tokens.json");
    }

    [Test]
    public void Byte_level_ids_and_text_are_those_of_transformers() =>
        AssertGoldens(TextTestData.TinyLlama3, "tiny-llama3.tokens.json");

    private static void AssertGoldens(string folder, string goldens)
    {
        var tokenizer = TokenizerLoader.Load(folder);
        using (Assert.EnterMultipleScope())
        {
            foreach (var golden in GoldenTokens.Load(goldens))
            {
                Assert.That(tokenizer.Encode(golden.Text), Is.EqualTo(golden.Ids), $"ids of '{golden.Text}'");
                Assert.That(tokenizer.Decode(golden.Ids), Is.EqualTo(golden.Decoded), $"text of '{golden.Text}'");
            }
        }
    }
}
