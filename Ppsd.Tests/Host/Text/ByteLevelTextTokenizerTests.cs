using System.Text.Json.Nodes;
using Ppsd.Host.Text;
using Ppsd.Host.Text.ByteLevel;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

public class ByteLevelTextTokenizerTests
{
    private const int Bos = 2042;
    private const int EndOfText = 2043;
    private const int EndOfTurn = 2046;

    private readonly ITextTokenizer _tokenizer = TokenizerLoader.Load(TextTestData.TinyLlama3);

    [Test]
    public void The_model_says_its_size_and_its_ends()
    {
        Assert.That(_tokenizer.VocabSize, Is.EqualTo(2047));
        Assert.That(_tokenizer.BosId, Is.EqualTo(Bos));
        Assert.That(_tokenizer.EosIds, Is.EqualTo(TextTestData.Ids(EndOfTurn, EndOfText)));
        Assert.That(_tokenizer.DropsLeadingSpace, Is.False);
    }

    [Test]
    public void Special_tokens_in_a_text_become_their_ids()
    {
        var hello = _tokenizer.EncodeRendered("Hello");
        Assert.That(
            _tokenizer.EncodeRendered("<|begin_of_text|>Hello<|eot_id|>"),
            Is.EqualTo(hello.Prepend(Bos).Append(EndOfTurn))
        );
        Assert.That(_tokenizer.Encode("<|begin_of_text|>Hello"), Is.EqualTo(_tokenizer.Encode("Hello")));
        Assert.That(_tokenizer.Encode("<|eot_id"), Does.Not.Contain(EndOfTurn));
        Assert.That(_tokenizer.Decode([Bos, .. hello, EndOfTurn]), Is.EqualTo("Hello"));
    }

    [Test]
    public void Merges_may_be_strings_or_pairs()
    {
        using var folder = ModelFolder.Llama3With(json =>
            json["model"]!["merges"] = new JsonArray([
                .. json["model"]!["merges"]!.AsArray().Select(merge => JsonValue.Create($"{merge![0]} {merge[1]}")),
            ])
        );
        var text = new RandomText(seed: 3).Next(100);
        Assert.That(TokenizerLoader.Load(folder.Path).Encode(text), Is.EqualTo(_tokenizer.Encode(text)));
    }

    [Test]
    public void Merging_is_the_definition_of_BPE()
    {
        var model = JsonNode.Parse(File.ReadAllText(Path.Combine(TextTestData.TinyLlama3, "tokenizer.json")))![
            "model"
        ]!;
        var ids = model["vocab"]!.AsObject().ToDictionary(piece => piece.Key, piece => (int)piece.Value!);
        var ranks = model["merges"]!
            .AsArray()
            .Index()
            .ToDictionary(m => ((string)m.Item![0]!, (string)m.Item[1]!), m => (double)m.Index);

        // One word per text, so that cutting words has no part in it: letters, and runs that merge with themselves.
        var random = new Random(5);
        for (var i = 0; i < 300; i++)
        {
            var word = string.Concat(
                Enumerable.Range(0, random.Next(1, 40)).Select(_ => "aabcdehinoorstt"[random.Next(15)])
            );
            word = i % 3 == 0 ? new string("=-#. "[random.Next(5)], random.Next(1, 40)) : word;
            var pieces = NaiveMerging.Merge(
                ByteLevelAlphabet.Spell(word).Select(c => c.ToString()),
                (a, b) => ranks.TryGetValue((a, b), out var rank) ? rank : null
            );
            Assert.That(_tokenizer.EncodeRendered(word), Is.EqualTo(pieces.Select(piece => ids[piece])), word);
        }
    }

    [Test]
    public void A_word_that_is_a_piece_ignores_the_merges_when_the_model_says_so()
    {
        // "zzq" is a piece that no merge makes.
        using var folder = ModelFolder.Llama3With(json => AddPiece(json, "zzq"));
        using var ignoring = ModelFolder.Llama3With(json =>
        {
            AddPiece(json, "zzq");
            AddPiece(json, "\u0120\u00C3\u00A9"); // " é"
            json["model"]!["ignore_merges"] = true;
        });
        Assert.That(TokenizerLoader.Load(folder.Path).EncodeRendered("zzq"), Has.Length.GreaterThan(1));
        Assert.That(
            TokenizerLoader.Load(ignoring.Path).EncodeRendered("zzq \u00E9"),
            Is.EqualTo(TextTestData.Ids(2047, 2048))
        );

        static void AddPiece(JsonObject json, string piece)
        {
            var vocabulary = json["model"]!["vocab"]!.AsObject();
            vocabulary[piece] = 5 + vocabulary.Count;
        }
    }

    [Test]
    public void The_post_processor_decides_what_stands_around_a_prompt_unless_the_configuration_does()
    {
        var hello = _tokenizer.EncodeRendered("Hello");
        Assert.That(Encode(json => json["post_processor"] = null, "{}"), Is.EqualTo(hello));
        Assert.That(Encode(InSequence, "{}"), Is.EqualTo(hello.Prepend(Bos)));
        Assert.That(Encode(WithEnd, "{}"), Is.EqualTo(hello.Prepend(Bos).Append(EndOfTurn)));
        Assert.That(
            Encode(_ => { }, """{"bos_token": "<|begin_of_text|>", "add_bos_token": false}"""),
            Is.EqualTo(hello)
        );
        Assert.That(
            Encode(
                json => json["post_processor"] = null,
                """{"bos_token": "<|begin_of_text|>", "add_bos_token": true}"""
            ),
            Is.EqualTo(hello.Prepend(Bos))
        );

        static void InSequence(JsonObject json) =>
            json["post_processor"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["processors"] = new JsonArray(
                    new JsonObject { ["type"] = "ByteLevel" },
                    json["post_processor"]!.DeepClone()
                ),
            };

        static void WithEnd(JsonObject json)
        {
            json["post_processor"]!["single"]!
                .AsArray()
                .Add(JsonNode.Parse("""{"SpecialToken": {"id": "<|eot_id|>", "type_id": 0}}"""));
            json["post_processor"]!["special_tokens"]!["<|eot_id|>"] = JsonNode.Parse("""{"ids": [2046]}""");
        }

        static int[] Encode(Action<JsonObject> change, string config)
        {
            using var folder = ModelFolder.Llama3With(change);
            folder.Write("tokenizer_config.json", config);
            return TokenizerLoader.Load(folder.Path).Encode("Hello");
        }
    }

    [Test]
    public void Added_tokens_that_are_not_special_show_in_text()
    {
        using var folder = ModelFolder.Llama3With(json =>
            json["added_tokens"]!
                .AsArray()
                .Add(JsonNode.Parse("""{"id": 2050, "content": "<think é>", "special": false, "rstrip": true}"""))
        );
        var tokenizer = TokenizerLoader.Load(folder.Path);
        var ids = tokenizer.EncodeRendered("a<think é>  b");
        Assert.That(ids, Is.EqualTo([.. _tokenizer.EncodeRendered("a"), 2050, .. _tokenizer.EncodeRendered("b")]));
        Assert.That(tokenizer.Decode(ids), Is.EqualTo("a<think é>b"));
        Assert.That(tokenizer.VocabSize, Is.EqualTo(2051));
    }

    [Test]
    public void A_prefix_space_is_added_where_the_model_asks_for_it()
    {
        using var folder = ModelFolder.Llama3With(json =>
            json["pre_tokenizer"] = JsonNode.Parse(
                """{"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}"""
            )
        );
        var tokenizer = TokenizerLoader.Load(folder.Path);
        Assert.That(tokenizer.EncodeRendered("Hello"), Is.EqualTo(tokenizer.EncodeRendered(" Hello")));
        Assert.That(tokenizer.Decode(tokenizer.EncodeRendered("Hello")), Is.EqualTo(" Hello"));
    }

    [Test]
    public void Text_is_composed_where_the_model_asks_for_it()
    {
        using var folder = ModelFolder.Llama3With(json => json["normalizer"] = new JsonObject { ["type"] = "NFC" });
        var tokenizer = TokenizerLoader.Load(folder.Path);
        Assert.That(tokenizer.EncodeRendered("e\u0301"), Is.EqualTo(_tokenizer.EncodeRendered("é")));
        Assert.That(_tokenizer.EncodeRendered("e\u0301"), Is.Not.EqualTo(_tokenizer.EncodeRendered("é")));
    }

    [Test]
    public void Text_survives_encoding_and_decoding()
    {
        var texts = new RandomText(seed: 4);
        for (var i = 0; i < 300; i++)
        {
            var text = texts.Next(30).Replace("<|eot_id|>", "");
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
