using System.ClientModel;
using OpenAI;
using OpenAI.Chat;
using SdkMessage = OpenAI.Chat.ChatMessage;

namespace Ppsd.Tests.Host.Api;

/// <summary>The official OpenAI package over a real socket: what it cannot read, clients cannot use.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OpenAiClientTests
{
    private static readonly SdkMessage[] _question = [new UserChatMessage("How many legs do 3 cats have?")];

    private static ChatClient Client(string model = "gsm-llama") =>
        new(
            model,
            new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = new Uri(SharedServer.Address, "v1") }
        );

    [Test]
    public async Task A_chat_gives_text_usage_and_a_finish_reason()
    {
        ChatCompletion completion = await Client()
            .CompleteChatAsync(_question, new ChatCompletionOptions { MaxOutputTokenCount = 24, Temperature = 0 });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(completion.Role, Is.EqualTo(ChatMessageRole.Assistant));
            Assert.That(completion.Content[0].Text, Is.Not.Empty);
            Assert.That(completion.FinishReason, Is.EqualTo(ChatFinishReason.Length));
            Assert.That(completion.Usage.OutputTokenCount, Is.EqualTo(24));
            Assert.That(completion.Usage.InputTokenCount, Is.Positive);
            Assert.That(
                completion.Usage.TotalTokenCount,
                Is.EqualTo(completion.Usage.InputTokenCount + completion.Usage.OutputTokenCount)
            );
            Assert.That(completion.Model, Is.EqualTo("gsm-llama"));
            Assert.That(completion.Id, Does.StartWith("chatcmpl-"));
        }
    }

    [Test]
    public async Task A_stream_joined_is_the_whole_text_and_ends_with_its_usage()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 40, Temperature = 0 };
        ChatCompletion whole = await Client().CompleteChatAsync(_question, options);
        var text = "";
        var roles = 0;
        ChatFinishReason? reason = null;
        ChatTokenUsage? usage = null;
        await foreach (var update in Client().CompleteChatStreamingAsync(_question, options))
        {
            roles += update.Role == ChatMessageRole.Assistant ? 1 : 0;
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            reason = update.FinishReason ?? reason;
            usage = update.Usage ?? usage;
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(text, Is.EqualTo(whole.Content[0].Text));
            Assert.That(roles, Is.EqualTo(1));
            Assert.That(reason, Is.EqualTo(ChatFinishReason.Length));
            Assert.That(usage?.OutputTokenCount, Is.EqualTo(40), "the package asks for usage in the stream by itself");
        }
    }

    [Test]
    public async Task Log_probabilities_are_those_of_each_token_and_of_the_likeliest()
    {
        var options = new ChatCompletionOptions
        {
            MaxOutputTokenCount = 12,
            Temperature = 0,
            IncludeLogProbabilities = true,
            TopLogProbabilityCount = 3,
        };
        ChatCompletion completion = await Client().CompleteChatAsync(_question, options);

        var tokens = completion.ContentTokenLogProbabilities;
        Assert.That(tokens, Has.Count.EqualTo(12));
        Assert.That(string.Concat(tokens.Select(token => token.Token)), Is.EqualTo(completion.Content[0].Text));
        foreach (var token in tokens)
        {
            // Greedy: the token is the likeliest, and the likeliest come in order.
            Assert.That(token.TopLogProbabilities, Has.Count.EqualTo(3));
            Assert.That(token.TopLogProbabilities[0].Token, Is.EqualTo(token.Token));
            Assert.That(token.LogProbability, Is.EqualTo(token.TopLogProbabilities[0].LogProbability).And.LessThan(0));
            Assert.That(
                token.TopLogProbabilities.Select(top => top.LogProbability),
                Is.Ordered.Descending.And.All.LessThanOrEqualTo(0)
            );
        }

        var streamed = new List<float>();
        await foreach (var update in Client().CompleteChatStreamingAsync(_question, options))
        {
            streamed.AddRange(update.ContentTokenLogProbabilities.Select(token => token.LogProbability));
        }

        Assert.That(streamed, Is.EqualTo(tokens.Select(token => token.LogProbability)));
    }

    [Test]
    public async Task A_stop_string_ends_the_text_before_it_streamed_or_not()
    {
        ChatCompletion whole = await Client()
            .CompleteChatAsync(_question, new ChatCompletionOptions { MaxOutputTokenCount = 40, Temperature = 0 });

        // Taken across a token's border, from the middle of the text.
        var text = whole.Content[0].Text;
        var stop = text.Substring(text.Length / 2, 7);
        var options = new ChatCompletionOptions
        {
            MaxOutputTokenCount = 40,
            Temperature = 0,
            StopSequences = { stop, "never in it" },
        };
        ChatCompletion stopped = await Client().CompleteChatAsync(_question, options);
        var streamed = "";
        await foreach (var update in Client().CompleteChatStreamingAsync(_question, options))
        {
            streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(stopped.Content[0].Text, Is.EqualTo(text[..text.IndexOf(stop, StringComparison.Ordinal)]));
            Assert.That(stopped.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
            Assert.That(streamed, Is.EqualTo(stopped.Content[0].Text));
        }
    }

#pragma warning disable OPENAI001 // Seeds are marked experimental in the package.
    [Test]
    public async Task A_seed_gives_the_same_text_again_and_another_seed_another()
    {
        var texts = new List<string>();
        foreach (var seed in (long[])[7, 7, -8])
        {
            ChatCompletion completion = await Client()
                .CompleteChatAsync(
                    _question,
                    new ChatCompletionOptions
                    {
                        MaxOutputTokenCount = 40,
                        Temperature = 1,
                        TopP = 0.95f,
                        Seed = seed,
                    }
                );
            texts.Add(completion.Content[0].Text);
        }

        Assert.That(texts[1], Is.EqualTo(texts[0]));
        Assert.That(texts[2], Is.Not.EqualTo(texts[0]));
    }
#pragma warning restore OPENAI001

    [Test]
    public async Task An_unknown_model_and_a_context_that_overflows_are_errors_of_the_package()
    {
        var unknown = await Assert.ThrowsAsync<ClientResultException>(() =>
            Client("gpt-4").CompleteChatAsync(_question)
        );
        var overflow = await Assert.ThrowsAsync<ClientResultException>(() =>
            Client().CompleteChatAsync(_question, new ChatCompletionOptions { MaxOutputTokenCount = 100_000 })
        );

        using (Assert.EnterMultipleScope())
        {
            Assert.That(unknown!.Status, Is.EqualTo(404));
            Assert.That(unknown.Message, Does.Contain("gsm-llama").And.Contain("gpt-4"));
            Assert.That(overflow!.Status, Is.EqualTo(400));
            Assert.That(overflow.Message, Does.Contain("2048").And.Contain("context_length_exceeded"));
        }
    }

    [Test]
    public async Task Models_are_listed()
    {
        var client = new OpenAIClient(
            new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = new Uri(SharedServer.Address, "v1") }
        ).GetOpenAIModelClient();
        var models = await client.GetModelsAsync();
        Assert.That(models.Value.Select(model => model.Id), Is.EqualTo(["gsm-llama"]));
    }
}
