using Ppsd.Host;
using Ppsd.Host.Distillation;
using Ppsd.Host.Models;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Distillation;

[Parallelizable(ParallelScope.All)]
public sealed class DataFileTests
{
    private static readonly ModelAssets _assets = ModelAssets.Open(
        TestModels.Folder(TestModels.Tiny),
        null,
        TimeProvider.System
    );

    [Test]
    public void Only_the_assistants_words_and_the_end_of_its_turn_count()
    {
        var text = Read("""{"question": "How many?", "answer": "Three apples."}""");
        Assert.That(Answer(text), Is.EqualTo("Three apples."));
        Assert.That(text.Sequence.IsAnswer[^1]);
        Assert.That(_assets.EndTokenIds, Does.Contain(text.Sequence.Tokens[^1]));
        Assert.That(text.Sequence.Tokens[..text.Prompt.Length], Is.EqualTo(text.Prompt).AsCollection);
        Assert.That(text.Sequence.IsAnswer[..text.Prompt.Length], Has.All.False);
    }

    [Test]
    public void Every_answer_of_a_conversation_counts_and_its_questions_do_not()
    {
        var text = Read(
            """{"messages": [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Yes, one."}, {"role": "user", "content": "Two?"}, {"role": "assistant", "content": "No."}]}"""
        );
        Assert.That(Answer(text), Is.EqualTo("Yes, one. No."));
        Assert.That(_assets.Tokenizer.Decode(text.Prompt), Does.Contain("Two?").And.Not.Contain("No."));
    }

    [Test]
    public void A_completion_counts_and_its_prompt_does_not()
    {
        var text = Read("""{"prompt": "The sum is", "completion": " twelve."}""");
        Assert.That(Answer(text), Is.EqualTo("twelve."));
        Assert.That(text.Prompt, Is.EqualTo(_assets.Tokenizer.Encode("The sum is")).AsCollection);
    }

    [Test]
    public void Of_a_raw_text_every_token_counts()
    {
        var text = Read("""{"text": "Once upon a time."}""");
        Assert.That(text.Sequence.IsAnswer, Has.All.True);
        Assert.That(text.Sequence.AnswerTokens, Is.EqualTo(text.Sequence.Length - 1));
    }

    [TestCase("{\"text\": ", "data.jsonl:2: not JSON (byte 10)")]
    [TestCase("[1]", "data.jsonl:2: expected a JSON object, found Array")]
    [TestCase("{\"question\": \"a\"}", "data.jsonl:2: expected 'messages', 'question' and 'answer'")]
    [TestCase("{\"prompt\": 1, \"completion\": \"b\"}", "data.jsonl:2: prompt: expected a string, found Number")]
    [TestCase("{\"question\": \"a\", \"answer\": \" \"}", "data.jsonl:2: answer: expected words, found none")]
    [TestCase("{\"prompt\": \"a\", \"completion\": \"\"}", "data.jsonl:2: completion: expected words, found none")]
    [TestCase("{\"text\": \"\"}", "data.jsonl:2: text: expected words, found none")]
    [TestCase("{\"messages\": \"a\"}", "data.jsonl:2: messages: expected an array, found String")]
    [TestCase(
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}",
        "data.jsonl:2: messages: expected one of the role 'assistant' with words, found none"
    )]
    [TestCase(
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"asistant\", \"content\": \"b\"}]}",
        "data.jsonl:2: messages[1].role: expected system or developer or user or assistant or tool, found 'asistant'"
    )]
    [TestCase("{\"text\": \"\\ud800\"}", "data.jsonl:2: text: expected Unicode text, found half of a surrogate pair")]
    [TestCase(
        "{\"messages\": [{\"role\": \"user\", \"content\": \"\\ud800\"}]}",
        "data.jsonl:2: messages[0].content: expected Unicode text, found half of a surrogate pair"
    )]
    public void A_bad_line_is_named_with_its_number(string line, string expected)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("data.jsonl", "{\"text\": \"fine\"}\n" + line + "\n");
        Assert.That(
            () => new DataFile(_assets, "--data").Read(path),
            Throws.TypeOf<UserErrorException>().With.Message.Contains(expected)
        );
    }

    [Test]
    public void Bytes_that_are_not_UTF_8_are_refused_with_line_and_byte()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("data.jsonl", [.. "{\"text\": \"a\"}\n{\"text\": \""u8, 0xFF, .. "\"}\n"u8]);
        Assert.That(
            () => new DataFile(_assets, "--data").Read(path),
            Throws
                .TypeOf<UserErrorException>()
                .With.Message.Contains("data.jsonl:")
                .And.Message.Contains("2")
                .And.Message.EndsWith("byte 11: expected UTF-8, found 0xFF")
        );
    }

    private static DataText Read(string line)
    {
        using var folder = new TemporaryFolder();
        return new DataFile(_assets, "--data").Read(folder.Write("data.jsonl", line))[0];
    }

    private static string Answer(DataText text) =>
        _assets
            .Tokenizer.Decode([.. text.Sequence.Tokens.Where((_, i) => text.Sequence.IsAnswer[i])])
            .Trim()
            .Replace("  ", " ", StringComparison.Ordinal);
}
