using Ppsd.Host.Text.SentencePieces;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

public class SentencePieceModelTests
{
    [Test]
    public void What_the_merger_cannot_do_is_refused_by_name()
    {
        AssertRefused(
            new SentencePieceFile { ModelType = 1 },
            "m: trainer_spec.model_type: found UNIGRAM; supported: BPE"
        );
        AssertRefused(
            new SentencePieceFile { ByteFallback = false },
            "m: trainer_spec.byte_fallback: found false; supported: true"
        );
        AssertRefused(
            new SentencePieceFile { WhitespaceAsSuffix = true },
            "m: trainer_spec.treat_whitespace_as_suffix: found true; supported: false"
        );
        AssertRefused(
            new SentencePieceFile { CharsMap = [1] },
            "m: normalizer_spec: found the rules of 'nmt_nfkc'; supported: identity"
        );
        AssertRefused(
            new SentencePieceFile { RemoveExtraWhitespaces = true },
            "m: normalizer_spec.remove_extra_whitespaces: found true; supported: false"
        );
        AssertRefused(
            new SentencePieceFile { EscapeWhitespaces = false },
            "m: normalizer_spec.escape_whitespaces: found false; supported: true"
        );
        AssertRefused(
            new SentencePieceFile { Pieces = [("a", SentencePieceKind.Unused)] },
            "m: pieces: found an unused piece; supported: none"
        );
        AssertRefused(
            new SentencePieceFile { Pieces = [("<0x00>", SentencePieceKind.Byte)] },
            "m: pieces: found byte pieces missing or out of order; supported: <0x00> to <0xFF> in a row"
        );
    }

    [Test]
    public void A_file_that_is_no_model_is_refused()
    {
        Assert.That(
            () => SentencePieceModel.Parse("m", "IQ== 0\nIg== 1\n"u8.ToArray()),
            Throws.TypeOf<TextException>().With.Message.StartsWith("m: ")
        );
        Assert.That(
            () => SentencePieceModel.Parse("m", []),
            Throws.TypeOf<TextException>().With.Message.StartsWith("m: pieces: found none")
        );
    }

    private static void AssertRefused(SentencePieceFile file, string message) =>
        Assert.That(
            () => SentencePieceModel.Parse("m", file.ToBytes()),
            Throws.TypeOf<TextException>().With.Message.EqualTo(message)
        );
}
