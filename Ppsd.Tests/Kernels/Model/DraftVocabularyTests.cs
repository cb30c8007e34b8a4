using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Tests.Kernels.Checkpoints;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>A list of the tokens that a head drafts is read as it was written, and a bad one is refused in one line.</summary>
public sealed class DraftVocabularyTests
{
    private static readonly ModelConfig _gsm = ModelConfig.Read(ModelFolders.GsmLlama);

    [Test]
    public void A_head_without_a_list_drafts_all_tokens() =>
        Assert.That(ExitHeadConfig.Read(ModelFolders.GsmLlamaExit4).Vocabulary, Is.Null);

    [Test]
    public void A_list_is_read_as_it_was_written()
    {
        int[] tokens = [0, 2, 3, .. Enumerable.Range(100, 40), 4095];
        using var folder = Head("\"draft_vocabulary.json\"");
        DraftVocabulary.Of(tokens).Write(Path.Combine(folder.FullPath, DraftVocabulary.FileName));
        var head = ExitHeadConfig.Read(folder.FullPath);

        Assert.That(head.Vocabulary!.Tokens.ToArray(), Is.EqualTo(tokens));
        Assert.That(head.Vocabulary.Count, Is.EqualTo(44));
        Assert.That(() => head.RequireFits(_gsm, head.Verifier.WeightsSha256), Throws.Nothing);
    }

    [TestCase("[]", "file: expected a list of tokens, at least one, found an empty one")]
    [TestCase("{}", "file: expected a list of tokens, at least one, found {}")]
    [TestCase("[1, 2", "file: expected JSON, found an error at line 1, position 6: ")]
    [TestCase("[1, 5, 5]", "entry 3: expected a token from 6 on (the list ascends, no token comes twice), found 5")]
    [TestCase("[7, 3]", "entry 2: expected a token from 8 on (the list ascends, no token comes twice), found 3")]
    [TestCase("[-1, 3]", "entry 1: expected an integer from 0 to 2147483647, found -1")]
    [TestCase("[1, 2.5]", "entry 2: expected an integer from 0 to 2147483647, found 2.5")]
    [TestCase("[1, \"2\"]", "entry 2: expected an integer from 0 to 2147483647, found \"2\"")]
    [TestCase("[1, 2147483648]", "entry 2: expected an integer from 0 to 2147483647, found 2147483648")]
    public void A_bad_list_is_refused_in_one_line(string json, string expected)
    {
        using var folder = Head("\"list.json\"").With("list.json", json);

        Assert.That(
            Refusal.Of(() => ExitHeadConfig.Read(folder.FullPath)),
            Does.StartWith($"{Path.Combine(folder.FullPath, "list.json")}: {expected}")
        );
    }

    [TestCase("\"\"")]
    [TestCase("\"..\"")]
    [TestCase("\"../list.json\"")]
    [TestCase("\"/etc/passwd\"")]
    [TestCase("\"C:list.json\"")]
    [TestCase("7")]
    public void A_list_lies_in_the_heads_folder(string name)
    {
        using var folder = Head(name);

        Assert.That(
            Refusal.Of(() => ExitHeadConfig.Read(folder.FullPath)),
            Is.EqualTo(
                $"{folder.ConfigPath}: draft_vocabulary: expected the name of a file in the head's folder, found {name}"
            )
        );
    }

    [Test]
    public void A_list_that_is_missing_is_named()
    {
        using var folder = Head("\"list.json\"");

        Assert.That(
            Refusal.Of(() => ExitHeadConfig.Read(folder.FullPath)),
            Does.EndWith("list.json: expected a JSON file, found no such file")
        );
    }

    [Test]
    public void A_token_that_the_model_lacks_is_refused()
    {
        using var folder = Head("\"list.json\"").With("list.json", "[5, 4095, 4096]");
        var head = ExitHeadConfig.Read(folder.FullPath);

        Assert.That(
            Refusal.Of(() => head.RequireFits(_gsm, head.Verifier.WeightsSha256)),
            Does.EndWith("list.json: entry 3: expected a token below 4096, the model's vocabulary, found 4096")
        );
    }

    private static ConfigFolder Head(string name) =>
        new ConfigFolder().WithConfigOf(ModelFolders.GsmLlamaExit4, ("draft_vocabulary", name));
}
