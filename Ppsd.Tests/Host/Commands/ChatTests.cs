using System.Text.Json;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary><c>ppsd chat</c> as a user runs it, without a terminal.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ChatTests
{
    private const string Cats = "How many legs do 3 cats have?";
    private const string Dogs = "And how many have 4 dogs?";

    /// <summary>The law: a conversation held line by line is the conversation sent whole.</summary>
    [Test]
    public async Task A_second_answer_is_that_of_the_same_messages_sent_in_one_go()
    {
        var first = await AnswerAsync(("system", "Be brief."), ("user", Cats));
        var second = await AnswerAsync(("system", "Be brief."), ("user", Cats), ("assistant", first), ("user", Dogs));

        var chat = await ChatAsync($"{Cats}\n\n{Dogs}\n/exit\n{Cats}\n", "--system", "Be brief.");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(chat.ExitCode, Is.Zero, chat.Error);
            Assert.That(chat.Output, Is.EqualTo($"{first}\n{second}\n"));
            Assert.That(chat.ErrorLines, Is.Empty, "no prompts, hints or figures where there is no terminal");
        }
    }

    [Test]
    public async Task Clear_forgets_the_conversation()
    {
        var alone = await ChatAsync($"{Dogs}\n");
        var remembered = await ChatAsync($"{Cats}\n{Dogs}\n");
        var forgotten = await ChatAsync($"{Cats}\n/clear\n{Dogs}\n");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(forgotten.ExitCode, Is.Zero, forgotten.Error);
            Assert.That(forgotten.Output, Does.EndWith(alone.Output));
            Assert.That(forgotten.Output, Is.Not.EqualTo(remembered.Output));
        }
    }

    [Test]
    public async Task A_conversation_beyond_the_context_ends_in_one_line_that_says_what_to_do()
    {
        var tooMuch = string.Join(' ', Enumerable.Repeat("eggs", 3000));

        var chat = await ChatAsync($"{Cats}\n{tooMuch}\n{Dogs}\n");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(chat.ExitCode, Is.EqualTo(2));

            // A machine that is busy enough also says what it has loaded.
            var complaints = chat.ErrorLines.Where(line => line.StartsWith("ppsd: ", StringComparison.Ordinal));
            Assert.That(complaints.Count(), Is.EqualTo(1), chat.Error);
            Assert.That(chat.Error, Does.Contain("the model's context of 2048; /clear begins a new one"));
            Assert.That(chat.Output, Is.EqualTo((await ChatAsync($"{Cats}\n")).Output), "what was answered stays");
        }
    }

    /// <summary>The answer of a default length is refused only where one that was asked for would be.</summary>
    [Test]
    public async Task An_answer_whose_length_nobody_sets_fits_a_small_cache()
    {
        string[] small = ["chat", "--stages", "2", "--kv-cache-bytes", "2000000"];
        var chat = await Cli.RunAsync(small, input: $"{Cats}\n");
        var asked = await Cli.RunAsync([.. small, "--max-tokens", "1500"], input: $"{Cats}\n");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(chat.ExitCode, Is.Zero, chat.Error);
            Assert.That(chat.Output, Is.EqualTo((await Cli.RunAsync(["chat"], input: $"{Cats}\n")).Output));
            Assert.That(asked.ExitCode, Is.Not.Zero);
            Assert.That(asked.Error, Does.Contain("KV cache holds for one text"));
        }
    }

    /// <summary>
    /// Both answers would go on to the end of the context: had the first one not stopped, the second had no room; had
    /// the program left, there would be no second.
    /// </summary>
    [Test]
    [Platform(Exclude = "Win", Reason = "signals are sent by kill")]
    public async Task An_interrupt_stops_the_answer_and_not_the_chat()
    {
        using var process = Cli.Start(["chat", "--ignore-eos"]);
        await process.StandardInput.WriteLineAsync(Cats);
        await process.StandardInput.FlushAsync();
        Assert.That(await process.StandardOutput.ReadAsync(new char[1]), Is.EqualTo(1));
        Signals.Send(process.Id, Signals.Interrupt);

        await process.StandardInput.WriteLineAsync(Dogs);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var rest = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(process.ExitCode, Is.Zero, await error);
            Assert.That(rest, Has.Length.GreaterThan(1000));
        }
    }

    [Test]
    public async Task A_chat_template_of_the_users_takes_the_place_of_the_models()
    {
        // The template asks something else than the user does, so the answer shows which one was rendered.
        using var folder = new TemporaryFolder();
        var template = folder.Write(
            "mine.jinja",
            "{{ bos_token }}USER: {{ messages[-1].content | replace('dogs', 'cats') }} ASSISTANT:"
        );
        var chat = await ChatAsync("How many legs do 3 dogs have?\n", "--chat-template", template);
        Assert.That(chat.ExitCode, Is.Zero, chat.Error);
        Assert.That(chat.Output, Does.Contain(await AnswerAsync(("user", "How many legs do 3 cats have?"))));
    }

    [Test]
    public async Task A_model_without_a_chat_template_is_refused()
    {
        var chat = await ChatAsync("1 2 3\n", "--synthetic", "toy");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(chat.ExitCode, Is.EqualTo(2));
            Assert.That(chat.ErrorLines, Has.Length.EqualTo(1), chat.Error);
            Assert.That(chat.Error, Does.Contain("a synthetic model has no chat template"));
        }
    }

    private static Task<CliResult> ChatAsync(string input, params string[] options) =>
        Cli.RunAsync(["chat", "--max-tokens", "24", .. options], input: input);

    private static async Task<string> AnswerAsync(params (string Role, string Content)[] messages)
    {
        using var folder = new TemporaryFolder();
        var line = JsonSerializer.Serialize(
            new { messages = messages.Select(message => new { role = message.Role, content = message.Content }) }
        );
        string[] options = ["--json", "--max-tokens", "24", "--prompts", folder.Write("messages.jsonl", line)];
        var result = await Cli.RunAsync(["generate", .. options]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.Output);
        return json.RootElement.GetProperty("text").GetString()!;
    }
}
