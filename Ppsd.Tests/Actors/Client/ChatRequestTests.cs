using Microsoft.Extensions.AI;
using Ppsd.Actors.Chat;
using Ppsd.Actors.Messages;

namespace Ppsd.Tests.Actors.Client;

public sealed class ChatRequestTests
{
    private static readonly ChatMessage[] _hello = [new(ChatRole.User, "hello")];

    [Test]
    public void Options_become_settings()
    {
        var options = new ChatOptions
        {
            ModelId = "m",
            Instructions = "be brief",
            Temperature = 0.5f,
            TopK = 7,
            TopP = 0.9f,
            Seed = -1,
            MaxOutputTokens = 99,
            StopSequences = ["a", "b"],
            PresencePenalty = 0.25f,
            FrequencyPenalty = 0.75f,
            AdditionalProperties = new()
            {
                ["min_p"] = 0.125,
                ["speculation"] = "false",
                ["repetition_penalty"] = 1.5,
                ["max_width"] = 2L,
                ["top_logprobs"] = 3,
            },
        };

        var request = ChatRequest.Of(_hello, options, () => 7);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                request.Conversation,
                Is.EqualTo([new ChatTurn("system", "be brief"), new ChatTurn("user", "hello")])
            );
            Assert.That(request.Settings.StopStrings, Is.EqualTo(["a", "b"]));
            Assert.That(
                request.Settings with
                {
                    StopStrings = [],
                },
                Is.EqualTo(
                    new TextSettings
                    {
                        Model = "m",
                        MaxTokens = 99,
                        Temperature = 0.5f,
                        TopK = 7,
                        TopP = 0.9f,
                        MinP = 0.125f,
                        RepetitionPenalty = 1.5f,
                        PresencePenalty = 0.25f,
                        FrequencyPenalty = 0.75f,
                        Seed = ulong.MaxValue,
                        Speculates = false,
                        MaxWidth = 2,
                        TopLogprobs = 3,
                        StopStrings = [],
                    }
                )
            );
        }
    }

    [Test]
    public void What_is_left_open_stays_open_but_for_the_seed_which_is_drawn()
    {
        var settings = ChatRequest.Of(_hello, null, () => 7).Settings;

        Assert.That(settings, Is.EqualTo(new TextSettings { Seed = 7, StopStrings = settings.StopStrings }));
        Assert.That(settings.StopStrings, Is.Empty);
    }

    private static IEnumerable<TestCaseData> Unsupported()
    {
        yield return Case("Tools", new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")] });
        yield return Case("ToolMode", new ChatOptions { ToolMode = ChatToolMode.RequireAny });
        yield return Case("ResponseFormat", new ChatOptions { ResponseFormat = ChatResponseFormat.Json });
        yield return Case("ConversationId", new ChatOptions { ConversationId = "c" });
        yield return Case("found 'best_of'", new ChatOptions { AdditionalProperties = new() { ["best_of"] = 3 } });

        static TestCaseData Case(string expected, ChatOptions options) =>
            new TestCaseData(options, expected).SetArgDisplayNames(expected);
    }

    [TestCaseSource(nameof(Unsupported))]
    public void What_would_change_the_text_and_is_not_supported_is_refused_in_one_line(
        ChatOptions options,
        string expected
    ) =>
        Assert.That(
            () => ChatRequest.Of(_hello, options, () => 7),
            Throws.TypeOf<NotSupportedException>().With.Message.Contains(expected).And.Message.Not.Contains("\n")
        );

    [Test]
    public void Content_and_roles_that_a_template_does_not_know_are_refused()
    {
        var image = new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => ChatRequest.Of([image], null, () => 7), Throws.TypeOf<NotSupportedException>());
            Assert.That(
                () => ChatRequest.Of([new ChatMessage(ChatRole.Tool, "x")], null, () => 7),
                Throws.TypeOf<NotSupportedException>().With.Message.Contains("'tool'")
            );
            Assert.That(() => ChatRequest.Of([], null, () => 7), Throws.ArgumentException);
            Assert.That(
                () => ChatRequest.Of(_hello, new() { AdditionalProperties = new() { ["min_p"] = "much" } }, () => 7),
                Throws.ArgumentException.With.Message.Contains("min_p: expected a number, found 'much'")
            );
        }
    }
}
