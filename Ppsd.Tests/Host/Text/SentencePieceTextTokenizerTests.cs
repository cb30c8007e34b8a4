using Ppsd.Host.Text;
using Ppsd.Host.Text.SentencePieces;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

public class SentencePieceTextTokenizerTests
{
    private const int Bos = 1;
    private const int Eos = 2;

    private readonly ITextTokenizer _tokenizer = TokenizerLoader.Load(TextTestData.TinyLlama);

    [Test]
    public void The_model_says_its_size_and_its_ends()
    {
        Assert.That(_tokenizer.VocabSize, Is.EqualTo(4096));
        Assert.That(_tokenizer.BosId, Is.EqualTo(Bos));
        Assert.That(_tokenizer.EosIds, Is.EqualTo(TextTestData.Ids(Eos)));
        Assert.That(_tokenizer.DropsLeadingSpace, Is.True);
    }

    [Test]
    public void Special_tokens_in_a_text_become_their_ids()
    {
        var hello = _tokenizer.Encode("Hello");
        var ids = _tokenizer.Encode("Hello</s>");
        Assert.That(ids, Is.EqualTo(hello.Append(Eos)));
        Assert.That(_tokenizer.EncodeRendered("<unk>"), Is.EqualTo(TextTestData.Ids(0)));
    }

    [Test]
    public void Rendered_text_gets_nothing_and_keeps_its_own_beginning()
    {
        Assert.That(_tokenizer.EncodeRendered("<s>Hello").Count(id => id == Bos), Is.EqualTo(1));
        Assert.That(_tokenizer.EncodeRendered("Hello"), Is.EqualTo(_tokenizer.Encode("Hello").Skip(1)));
        Assert.That(_tokenizer.EncodeRendered(""), Is.Empty);
    }

    [Test]
    public void A_prompt_that_spells_out_its_beginning_does_not_get_two() =>
        Assert.That(_tokenizer.Encode("<s>Hello"), Is.EqualTo(_tokenizer.EncodeRendered("<s>Hello")));

    [Test]
    public void Without_legacy_only_the_beginning_of_a_text_gets_a_dummy_space()
    {
        // transformers, legacy false: nothing is put after a special token, and a space there is just that space.
        var hi = Pieces("</s>Hi");
        Assert.That(hi[0], Is.Not.EqualTo(' '));
        Assert.That(Pieces("</s> Hi"), Is.EqualTo(" Hi"));
        Assert.That(_tokenizer.EncodeRendered("Hi"), Is.EqualTo(_tokenizer.EncodeRendered("</s> Hi").Skip(1)));

        string Pieces(string text) =>
            string.Concat(
                _tokenizer
                    .EncodeRendered(text)
                    .Select(id => System.Text.Encoding.UTF8.GetString(_tokenizer.PieceBytes(id)))
            );
    }

    [Test]
    public void With_legacy_every_stretch_of_text_gets_a_dummy_space()
    {
        using var folder = ModelFolder.LlamaWith("""{"legacy": true}""");
        var legacy = TokenizerLoader.Load(folder.Path);
        Assert.That(legacy.Encode("</s>Hi"), Is.EqualTo(_tokenizer.Encode("</s> Hi")));
        Assert.That(legacy.Encode("</s> Hi"), Is.EqualTo(_tokenizer.Encode("</s>  Hi")));
    }

    [Test]
    public void Without_a_prefix_space_text_begins_as_it_stands()
    {
        using var folder = ModelFolder.LlamaWith("""{"legacy": false, "add_prefix_space": false}""");
        var tokenizer = TokenizerLoader.Load(folder.Path);
        Assert.That(tokenizer.Encode(" Hi"), Is.EqualTo(_tokenizer.Encode("Hi")));
        Assert.That(tokenizer.DropsLeadingSpace, Is.False);
        Assert.That(tokenizer.Decode(tokenizer.Encode(" Hi")), Is.EqualTo(" Hi"));
    }

    [Test]
    public void A_converted_tokenizer_json_decides_about_the_dummy_space()
    {
        Assert.That(
            Encode(
                """{"model":{"type":"BPE"},"normalizer":{"normalizers":[{"type":"Prepend"},{"type":"Replace"}]}}""",
                "</s>Hi"
            ),
            Is.EqualTo(_tokenizer.Encode("</s> Hi"))
        );
        Assert.That(Encode(Metaspace("always"), "</s> Hi"), Is.EqualTo(_tokenizer.Encode("</s> Hi")));
        Assert.That(Encode(Metaspace("first"), "</s>Hi"), Is.EqualTo(_tokenizer.Encode("</s>Hi")));
        Assert.That(Encode(Metaspace("first"), " Hi"), Is.EqualTo(_tokenizer.Encode("Hi")));
        Assert.That(Encode(Metaspace("never"), " Hi"), Is.EqualTo(_tokenizer.Encode("Hi")));

        static string Metaspace(string scheme) =>
            $$"""
                {"model": {"type": "BPE"},
                 "pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "{{scheme}}", "split": false} }
                """;

        static int[] Encode(string tokenizerJson, string text)
        {
            using var folder = ModelFolder.LlamaWith("""{"legacy": false}""");
            folder.Write("tokenizer.json", tokenizerJson);
            return TokenizerLoader.Load(folder.Path).Encode(text);
        }
    }

    [Test]
    public void The_configuration_decides_what_stands_around_a_prompt()
    {
        using var bare = ModelFolder.LlamaWith("""{"legacy": false, "add_bos_token": false}""");
        using var both = ModelFolder.LlamaWith("""{"legacy": false, "add_bos_token": true, "add_eos_token": true}""");
        var hello = _tokenizer.EncodeRendered("Hello");
        Assert.That(TokenizerLoader.Load(bare.Path).Encode("Hello"), Is.EqualTo(hello));
        Assert.That(TokenizerLoader.Load(both.Path).Encode("Hello"), Is.EqualTo(hello.Prepend(Bos).Append(Eos)));
    }

    [Test]
    public void Added_tokens_beyond_the_model_are_found_and_shown_unless_special()
    {
        using var folder = ModelFolder.LlamaWith(
            """
            {"legacy": false, "eos_token": "<|im_end|>", "added_tokens_decoder": {
                "4096": {"content": "<|im_start|>", "special": true},
                "4097": {"content": "<think>", "special": false},
                "4098": {"content": "<thinking>", "special": false, "lstrip": true, "rstrip": true}}}
            """
        );
        folder.Write("added_tokens.json", """{"<|im_end|>": 4099}""");
        var tokenizer = TokenizerLoader.Load(folder.Path);
        var ids = tokenizer.EncodeRendered("<|im_start|>Hi <thinking> Hi<think><|im_end|>");
        Assert.That(ids.Where(id => id >= 4096), Is.EqualTo(TextTestData.Ids(4096, 4098, 4097, 4099)));
        Assert.That(tokenizer.Decode(ids), Is.EqualTo("Hi<thinking>Hi<think>"));
        Assert.That(tokenizer.VocabSize, Is.EqualTo(4100));
        Assert.That(tokenizer.EosIds, Is.EqualTo(TextTestData.Ids(4099)));
        Assert.That(tokenizer.IsSpecial(4099), Is.True);
    }

    [Test]
    public void Half_a_surrogate_pair_becomes_the_replacement_character()
    {
        Assert.That(_tokenizer.Encode("a\uD83D"), Is.EqualTo(_tokenizer.Encode("a\uFFFD")));
        Assert.That(_tokenizer.Encode("\uDE42\uD83D\uDE42"), Is.EqualTo(_tokenizer.Encode("\uFFFD🙂")));
    }

    [Test]
    public void Ids_without_a_piece_give_no_text() =>
        Assert.That(
            _tokenizer.Decode([Bos, 4096, -1, int.MaxValue, .. _tokenizer.EncodeRendered("Hi"), Eos]),
            Is.EqualTo("Hi")
        );

    [Test]
    public void Decoding_drops_one_space_at_the_beginning_of_the_text_only()
    {
        var world = _tokenizer.EncodeRendered("world");
        Assert.That(_tokenizer.Decode([.. world, Eos, Bos, .. world]), Is.EqualTo("world world"));
    }

    [Test]
    public void User_defined_pieces_are_never_split_or_merged()
    {
        using var folder = new ModelFolder();
        folder.Write(
            "tokenizer.model",
            new SentencePieceFile
            {
                Pieces =
                [
                    ("ab", SentencePieceKind.Normal),
                    ("a", SentencePieceKind.Normal),
                    ("b", SentencePieceKind.Normal),
                    ("ba", SentencePieceKind.UserDefined),
                ],
                AddDummyPrefix = false,
            }.ToBytes()
        );
        var ids = TokenizerLoader.Load(folder.Path).EncodeRendered("abab");
        const int First = SentencePieceFile.FirstPieceId;
        Assert.That(ids, Is.EqualTo(new[] { First + 1, First + 3, First + 2 }));
    }

    [Test]
    public void Merging_is_the_definition_of_BPE()
    {
        var model = SentencePieceModel.Parse(
            "m",
            File.ReadAllBytes(Path.Combine(TextTestData.TinyLlama, "tokenizer.model"))
        );
        var ids = model
            .Pieces.Index()
            .Where(p => p.Item.Kind == SentencePieceKind.Normal)
            .ToDictionary(p => p.Item.Text, p => p.Index);
        var merger = new SentencePieceMerger(model);
        var texts = new RandomText(seed: 1);
        for (var i = 0; i < 300; i++)
        {
            var text = texts.Next(40).Replace(' ', '▁');
            var actual = new List<int>();
            merger.Encode(text, actual);
            var expected = NaiveMerging
                .Merge(
                    text.EnumerateRunes().Select(rune => rune.ToString()),
                    (a, b) => ids.TryGetValue(a + b, out var id) ? -model.Pieces[id].Score : null
                )
                .SelectMany(piece =>
                    ids.TryGetValue(piece, out var id)
                        ? [id]
                        : System.Text.Encoding.UTF8.GetBytes(piece).Select(b => b + model.FirstByteId)
                );
            Assert.That(actual, Is.EqualTo(expected), text);
        }
    }

    [Test]
    public void Text_survives_encoding_and_decoding()
    {
        var texts = new RandomText(seed: 2);
        for (var i = 0; i < 300; i++)
        {
            var text = texts.Next(30).Replace("<s>", "").Replace("</s>", "").Replace('▁', '_');
            Assert.That(_tokenizer.Decode(_tokenizer.Encode(text)), Is.EqualTo(text));
        }
    }

    [Test]
    public void One_tokenizer_serves_many_threads()
    {
        var texts = Enumerable.Range(0, 64).Select(i => new RandomText(i).Next(30)).ToArray();
        var expected = texts.Select(text => _tokenizer.Encode(text)).ToArray();
        var actual = texts
            .AsParallel()
            .AsOrdered()
            .WithDegreeOfParallelism(8)
            .Select(text => _tokenizer.Encode(text))
            .ToArray();
        Assert.That(actual, Is.EqualTo(expected));
    }
}
