using System.Text.Json;
using Ppsd.Actors.Messages;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Api.Requests;

/// <summary>Bodies to settings: every field arrives, and what is left open is as the model and the server say.</summary>
public sealed class RequestReaderTests
{
    private static readonly ServedModel _model = new(
        "gsm",
        ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System)
    );

    private static readonly RequestDefaults _defaults = new() { NextSeed = () => 99 };

    /// <summary>A gateway has no such setting: it follows the pipeline, whenever that is another.</summary>
    [Test]
    public void A_setting_of_the_stages_that_changes_the_numbers_changes_the_fingerprint()
    {
        var arithmetic = "layers 1-16 cpu rope-frequencies=checkpoint";
        var gateway = _model with { PipelineArithmetic = () => arithmetic };
        var usual = gateway.SystemFingerprint;
        Assert.That((gateway with { Name = "other" }).SystemFingerprint, Is.EqualTo(usual));

        arithmetic = "layers 1-16 cpu rope-frequencies=fp32";
        Assert.That(gateway.SystemFingerprint, Is.Not.EqualTo(usual));

        arithmetic = "layers 1-16 cpu rope-frequencies=checkpoint";
        Assert.That(gateway.SystemFingerprint, Is.EqualTo(usual));
    }

    [Test]
    public void Every_field_of_a_completion_arrives()
    {
        var request = Completion(
            """
            {"model":"gsm","prompt":"x","temperature":0.5,"top_p":0.9,"top_k":7,"min_p":0.1,"max_tokens":33,"stop":["a","b"],
            "seed":-1,"logprobs":5,"presence_penalty":1.5,"frequency_penalty":-0.5,"repetition_penalty":1.2,"ignore_eos":true,
            "stream":true,"stream_options":{"include_usage":true},"speculation":false,"drafts":true,"per_request_metrics":true}
            """
        );

        Assert.That(
            request.Settings with
            {
                StopStrings = [],
            },
            Is.EqualTo(
                new GenerationSettings
                {
                    Drafts = DraftSources.None,
                    MaxTokens = 33,
                    IgnoreEndTokens = true,
                    TopLogprobs = 5,
                    ShowDrafts = true,
                    StopStrings = [],
                    Sampling = new SamplingSettings
                    {
                        Temperature = 0.5f,
                        TopP = 0.9f,
                        TopK = 7,
                        MinP = 0.1f,
                        PresencePenalty = 1.5f,
                        FrequencyPenalty = -0.5f,
                        RepetitionPenalty = 1.2f,
                        Seed = ulong.MaxValue,
                    },
                }
            )
        );
        using (Assert.EnterMultipleScope())
        {
            Assert.That(request.Settings.StopStrings, Is.EqualTo(["a", "b"]));
            Assert.That(request, Has.Property("Streams").True.And.Property("IncludesUsage").True);
            Assert.That(request.IncludesMetrics, Is.True);
            Assert.That(request.Prompts[0].Tokens, Is.EqualTo(_model.Assets.Tokenizer.Encode("x")));
        }
    }

    [Test]
    public void What_is_left_open_is_as_the_model_and_the_server_say()
    {
        var completion = Completion("""{"prompt":"x"}""");
        var chat = Chat("""{"messages":[{"role":"user","content":"x"}]}""");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(completion.Settings.MaxTokens, Is.EqualTo(16), "as OpenAI has it");
            Assert.That(chat.Settings.MaxTokens, Is.EqualTo(2048 - chat.PromptTokens), "as much as the context holds");
            Assert.That(chat.Settings.Drafts, Is.EqualTo(DraftSources.ExitHead | DraftSources.NGrams));
            Assert.That(chat.Settings.Sampling, Is.EqualTo(SamplingSettings.Greedy with { Seed = 99 }));
            Assert.That(chat, Has.Property("Streams").False.And.Property("IncludesUsage").False);
            Assert.That(chat.Settings.TopLogprobs, Is.Null);
        }
    }

    [TestCase(20, 20)]
    [TestCase(5000, null)]
    public void The_model_s_own_length_is_a_chat_s_default_up_to_the_context(int own, int? expected)
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(TestModels.Folder(TestModels.Gsm)))
        {
            File.Copy(file, Path.Combine(folder.FullPath, Path.GetFileName(file)));
        }

        File.WriteAllText(
            Path.Combine(folder.FullPath, "generation_config.json"),
            $$"""{"eos_token_id": 2, "max_new_tokens": {{own}}}"""
        );
        var model = new ServedModel("gsm", ModelAssets.Open(folder.FullPath, null, TimeProvider.System));

        var chat = Read(new ChatRequestReader(model, _defaults), """{"messages":[{"role":"user","content":"x"}]}""");
        var completion = Read(new CompletionRequestReader(model, _defaults), """{"prompt":"x"}""");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(chat.Settings.MaxTokens, Is.EqualTo(expected ?? 2048 - chat.PromptTokens));
            Assert.That(completion.Settings.MaxTokens, Is.EqualTo(16), "as OpenAI has it");
        }
    }

    [Test]
    public void The_newer_name_of_the_token_limit_wins_and_the_newer_role_is_the_systems()
    {
        var chat = Chat(
            """
            {"messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],
            "max_tokens":5,"max_completion_tokens":7,"logprobs":true,"stop":"x"}
            """
        );
        var plain = Chat("""{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"ab"}]}""");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(chat.Settings.MaxTokens, Is.EqualTo(7));
            Assert.That(chat.Prompts[0].Tokens, Is.EqualTo(plain.Prompts[0].Tokens));
            Assert.That(chat.Settings.TopLogprobs, Is.Zero);
            Assert.That(chat.Settings.StopStrings, Is.EqualTo(["x"]));
        }
    }

    [Test]
    public void A_whole_number_may_be_written_with_a_fraction_of_zero_or_an_exponent()
    {
        var completion = Completion(
            """{"prompt":[5.0,6],"max_tokens":4.0,"seed":7e0,"top_k":3.0,"n":2.0,"logprobs":1.0}"""
        );
        using (Assert.EnterMultipleScope())
        {
            Assert.That(completion.Prompts[0].Tokens, Is.EqualTo([5, 6]));
            Assert.That(
                completion.Settings,
                Has.Property("MaxTokens").EqualTo(4).And.Property("TopLogprobs").EqualTo(1)
            );
            Assert.That(completion.Settings.Sampling, Has.Property("Seed").EqualTo(7).And.Property("TopK").EqualTo(3));
            Assert.That(completion.TextCount, Is.EqualTo(2));
            Assert.That(
                Completion("""{"prompt":"x","seed":18446744073709551615}""").Settings.Sampling.Seed,
                Is.EqualTo(ulong.MaxValue)
            );
        }
    }

    [Test]
    public void Fields_with_the_values_that_ask_for_nothing_are_accepted()
    {
        const string neutral = """
            "best_of":1,"n":1,"tool_choice":"none","tools":[{"type":"function","function":{"name":"f"}}],"functions":[],
            "function_call":"none","parallel_tool_calls":true,"response_format":{"type":"text"},"verbosity":"medium","store":false,
            "user":"u","metadata":{"a":"b"},"service_tier":"auto","prediction":{"type":"content","content":"x"},"modalities":["text"],
            "logit_bias":{},"min_tokens":0,"length_penalty":1.0,"use_beam_search":false,"skip_special_tokens":true,
            "spaces_between_special_tokens":true,"include_stop_str_in_output":false,"stop_token_ids":[],"bad_words":[],"request_id":"r",
            "priority":3,"return_token_ids":false,"stop":null,"echo":false,"audio":null
            """;
        Assert.That(() => Completion($$"""{"prompt":"x",{{neutral}}}"""), Throws.Nothing);
        Assert.That(
            () =>
                Chat(
                    $$"""{"messages":[{"role":"assistant","content":"x","tool_calls":[],"refusal":null,"annotations":[],"function_call":null}],{{neutral}}}"""
                ),
            Throws.Nothing
        );
    }

    [Test]
    public void A_chat_may_go_on_with_its_last_message_and_name_variables_of_its_template()
    {
        const string messages = """[{"role":"user","content":"a"},{"role":"assistant","content":"It is "}]""";
        var open = Chat($$"""{"messages":{{messages}},"continue_final_message":true}""").Prompts[0].Tokens;
        var closed = Chat($$"""{"messages":{{messages}},"add_generation_prompt":false}""").Prompts[0].Tokens;
        Assert.That(open, Has.Length.LessThan(closed.Length));
        Assert.That(_model.Assets.Tokenizer.Decode(open), Does.EndWith("It is "));

        var rendering = ChatRenderingReader.Read(
            Fields("""{"reasoning_effort":"low","chat_template_kwargs":{"enable_thinking":false,"a":[1]}}""")
        );
        Assert.That(rendering.Variables.Keys, Is.EquivalentTo(["reasoning_effort", "enable_thinking", "a"]));
        foreach (
            var wrong in (string[])
                [
                    """{"continue_final_message":true,"add_generation_prompt":true}""",
                    """{"reasoning_effort":"heroic"}""",
                    """{"chat_template_kwargs":[]}""",
                    """{"chat_template_kwargs":{"messages":[]}}""",
                ]
        )
        {
            Assert.Throws<ApiException>(() => ChatRenderingReader.Read(Fields(wrong)), wrong);
        }

        Assert.That(
            () => ChatRenderingReader.Read(Fields("""{"reasoning_effort":"heroic"}""")),
            Throws.TypeOf<ApiException>().With.Message.EndsWith("high or xhigh, found \"heroic\"")
        );

        static RequestFields Fields(string json) => new(JsonDocument.Parse(json).RootElement);
    }

    [Test]
    public void A_prompt_that_fills_the_context_is_refused_before_and_after_it_is_tokenized()
    {
        var full = Assert.Throws<ApiException>(() => Completion($$"""{"prompt":[{{Ids(2048)}}]}"""));
        var tight = Completion($$"""{"prompt":[{{Ids(2047)}}]}""");
        var text = Assert.Throws<ApiException>(() => Completion($$"""{"prompt":"{{new string('x', 900_000)}}"}"""));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(full!.Code, Is.EqualTo("context_length_exceeded"));
            Assert.That(text!.Code, Is.EqualTo("context_length_exceeded"));
            Assert.That(tight.Settings.MaxTokens, Is.EqualTo(1), "the default gives way to the context");
        }

        static string Ids(int count) => string.Join(',', Enumerable.Repeat(5, count));
    }

    private static TextRequest Completion(string body) => Read(new CompletionRequestReader(_model, _defaults), body);

    private static TextRequest Chat(string body) => Read(new ChatRequestReader(_model, _defaults), body);

    private static TextRequest Read(ITextRequestReader reader, string body)
    {
        using var document = JsonDocument.Parse(body);
        return reader.Read(document.RootElement, CancellationToken.None);
    }
}
