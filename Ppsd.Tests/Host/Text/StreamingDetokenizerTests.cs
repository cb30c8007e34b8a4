using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Ppsd.Host.Text;
using Ppsd.Host.Text.Tokens;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Text;

public class StreamingDetokenizerTests
{
    private readonly ITextTokenizer _sentencePiece = TokenizerLoader.Load(TextTestData.TinyLlama);
    private readonly ITextTokenizer _byteLevel = TokenizerLoader.Load(TextTestData.TinyLlama3);

    [Test]
    public void A_character_of_several_byte_pieces_comes_out_whole()
    {
        foreach (var tokenizer in (ITextTokenizer[])[_sentencePiece, _byteLevel])
        {
            var stream = new StreamingDetokenizer(tokenizer);
            var chunks = tokenizer
                .EncodeRendered("☃🙂漢")
                .Select(id => stream.Append(id).ToString())
                .Where(chunk => chunk.Length > 0);
            Assert.That(chunks, Is.EqualTo(new List<string> { "☃", "🙂", "漢" }));
            Assert.That(stream.Flush().ToString(), Is.Empty);
        }
    }

    [Test]
    public void A_broken_off_character_becomes_one_replacement_character_at_the_end()
    {
        var ids = _byteLevel.EncodeRendered("🙂");
        var stream = new StreamingDetokenizer(_byteLevel);
        Assert.That(Feed(stream, ids[..^1]), Is.Empty);
        Assert.That(stream.Flush().ToString(), Is.EqualTo("\uFFFD"));
        Assert.That(Feed(stream, ids), Is.EqualTo("🙂"), "what follows begins anew");
    }

    [Test]
    public void A_character_that_is_interrupted_is_given_up_at_once()
    {
        var stream = new StreamingDetokenizer(_byteLevel);
        Assert.That(
            Feed(stream, [.. _byteLevel.EncodeRendered("🙂")[..1], .. _byteLevel.EncodeRendered("a")]),
            Is.EqualTo("\uFFFDa")
        );
    }

    [Test]
    public void A_special_token_neither_shows_nor_interrupts_a_character()
    {
        var ids = _sentencePiece.EncodeRendered("☃").ToList();
        ids.Insert(2, _sentencePiece.BosId!.Value);
        Assert.That(Feed(new StreamingDetokenizer(_sentencePiece), [.. ids]), Is.EqualTo("☃"));
    }

    [Test]
    public void Text_after_a_prompt_keeps_the_space_that_joins_it()
    {
        var prompt = _sentencePiece.Encode("Hello");
        var answer = _sentencePiece.EncodeRendered("world");
        Assert.That(Feed(new StreamingDetokenizer(_sentencePiece, prompt), answer), Is.EqualTo(" world"));
        Assert.That(_sentencePiece.Decode([.. prompt, .. answer]), Is.EqualTo("Hello world"));
    }

    [Test]
    public void Text_after_nothing_but_special_tokens_begins_without_the_dummy_space()
    {
        var answer = _sentencePiece.EncodeRendered("  world");
        Assert.That(
            Feed(new StreamingDetokenizer(_sentencePiece, _sentencePiece.Encode("")), answer),
            Is.EqualTo("  world")
        );
        Assert.That(Feed(new StreamingDetokenizer(_sentencePiece), answer), Is.EqualTo("  world"));
    }

    [Test]
    public void A_prompt_that_breaks_off_in_a_character_is_completed()
    {
        var ids = _byteLevel.EncodeRendered("a🙂b");
        Assert.That(Feed(new StreamingDetokenizer(_byteLevel, ids.AsSpan(0, 3)), ids[3..]), Is.EqualTo("🙂b"));
    }

    [Test]
    public void Chunks_join_to_the_text_of_all_ids_at_once()
    {
        CheckChunks(_sentencePiece);
        CheckChunks(_byteLevel);

        // Half of the ids are single bytes, so that broken UTF-8 of every kind occurs; some have no piece.
        static void CheckChunks(ITextTokenizer tokenizer)
        {
            var id = Gen.OneOf(Gen.Choose(0, 260), Gen.Choose(-1, tokenizer.VocabSize + 2));
            var cases = from ids in Gen.ArrayOf(id) from cut in Gen.Choose(0, ids.Length) select (ids, cut);
            Prop.ForAll(
                    cases.ToArbitrary(),
                    test =>
                    {
                        var prompt = Feed(new StreamingDetokenizer(tokenizer), test.ids[..test.cut]);
                        var stream = new StreamingDetokenizer(tokenizer, test.ids.AsSpan(0, test.cut));
                        var text = Feed(stream, test.ids[test.cut..]);
                        return prompt + text + stream.Flush().ToString() == tokenizer.Decode(test.ids);
                    }
                )
                .Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithReplay(1UL, 3UL));
        }
    }

    [Test]
    public void Whatever_is_certain_is_given_out()
    {
        var texts = new RandomText(seed: 7);
        for (var i = 0; i < 50; i++)
        {
            var ids = _byteLevel.EncodeRendered(texts.Next(30));
            var stream = new StreamingDetokenizer(_byteLevel);
            var given = new StringBuilder();
            for (var count = 1; count <= ids.Length; count++)
            {
                given.Append(stream.Append(ids[count - 1]));
                Assert.That(given.ToString(), Is.EqualTo(_byteLevel.Decode(ids.AsSpan(0, count)).TrimEnd('\uFFFD')));
            }
        }
    }

    [Test]
    public void An_id_allocates_nothing()
    {
        var ids = _byteLevel.EncodeRendered("The quick brown 🙂 jumps");
        var stream = new StreamingDetokenizer(_byteLevel);
        Append();
        Assert.That(Allocations.LeastOf(Append), Is.Zero);

        void Append()
        {
            foreach (var id in ids)
            {
                stream.Append(id);
            }
        }
    }

    private static string Feed(StreamingDetokenizer stream, int[] ids) =>
        string.Concat(ids.Select(id => stream.Append(id).ToString()));
}
