using Ppsd.Host.Api.Responses;
using Ppsd.Host.Models;
using Ppsd.Host.Text.Tokens;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Api.Responses;

/// <summary>Where tokens begin, in characters, when characters are made of several tokens.</summary>
public sealed class CharacterOffsetsTests
{
    private static readonly ITextTokenizer _tokenizer = ModelAssets
        .Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System)
        .Tokenizer;

    [Test]
    public void Tokens_of_one_character_share_its_offset() =>
        Assert.That(
            Offsets(
                [],
                Byte(0xF0),
                Byte(0x9F),
                Byte(0x98),
                Byte(0x80),
                Id(" the"),
                Byte(0xC3),
                Byte(0xA9),
                Id(" and"),
                2
            ),
            Is.EqualTo([0, 0, 0, 0, 1, 5, 5, 6, 10]),
            "😀 theé and, and the end of the text"
        );

    [Test]
    public void Bytes_that_are_no_character_count_as_the_sign_that_stands_for_them() =>
        Assert.That(
            Offsets([], Byte(0xF0), Byte(0x9F), Id(" the"), Byte(0x80), Byte(0x80), Id(" and")),
            Is.EqualTo([0, 0, 1, 5, 6, 7])
        );

    [Test]
    public void A_character_that_the_prompt_breaks_off_in_is_completed_by_the_text() =>
        Assert.That(
            Offsets([Id(" the"), Byte(0xF0), Byte(0x9F)], Byte(0x98), Byte(0x80), Id(" and")),
            Is.EqualTo([0, 0, 1])
        );

    [Test]
    public void A_space_that_the_text_drops_is_not_counted() =>
        Assert.That(Offsets([1], Id(" the"), Id(" and"), 2), Is.EqualTo([0, 3, 7]));

    private static int[] Offsets(int[] prompt, params int[] tokens)
    {
        // A prompt of nothing but special tokens has the text begin with the answer.
        var offsets = new CharacterOffsets(_tokenizer, prompt.Length > 0 ? prompt : [Id(" and")]);
        return [.. tokens.Select(offsets.Next)];
    }

    private static int Byte(byte value) => Find([value]);

    private static int Id(string piece) => Find(System.Text.Encoding.UTF8.GetBytes(piece));

    private static int Find(byte[] bytes) =>
        Enumerable.Range(0, _tokenizer.VocabSize).First(id => _tokenizer.PieceBytes(id).SequenceEqual(bytes));
}
