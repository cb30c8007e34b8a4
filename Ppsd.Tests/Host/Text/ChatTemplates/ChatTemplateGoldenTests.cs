using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text.ChatTemplates;

/// <summary>
/// The templates of the model families as published, against text worked out by hand from what they say.
/// </summary>
public class ChatTemplateGoldenTests
{
    private static readonly ChatMessage _system = new("system", "Be brief.");
    private static readonly ChatMessage _user = new("user", "Hi there!");
    private static readonly ChatMessage _assistant = new("assistant", "Hello.");
    private static readonly ChatMessage _again = new("user", "And now?");

    [Test]
    public void Llama_2_puts_the_system_prompt_into_the_first_turn()
    {
        Assert.That(Render("llama-2", _user), Is.EqualTo("<s>[INST] Hi there! [/INST]"));
        Assert.That(
            Render("llama-2", _system, _user, _assistant, _again),
            Is.EqualTo(
                "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi there! [/INST] Hello. </s><s>[INST] And now? [/INST]"
            )
        );
    }

    [TestCase("llama-2")]
    [TestCase("vicuna")]
    [TestCase("vicuna-one-line")]
    public void Roles_that_do_not_alternate_are_refused_in_the_words_of_the_template(string name)
    {
        const string Message = "Conversation roles must alternate user/assistant/user/assistant/...";
        Assert.That(() => Render(name, _assistant), Throws.TypeOf<TextException>().With.Message.EqualTo(Message));
        Assert.That(() => Render(name, _user, _again), Throws.TypeOf<TextException>().With.Message.EqualTo(Message));
        Assert.That(
            () => Render(name, _system, _assistant),
            Throws.TypeOf<TextException>().With.Message.EqualTo(Message)
        );
    }

    [Test]
    public void Llama_3_writes_a_header_for_every_turn()
    {
        Assert.That(
            Render("llama-3", _user),
            Is.EqualTo(
                "<s><|start_header_id|>user<|end_header_id|>\n\nHi there!<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\n"
            )
        );
        Assert.That(
            Render("llama-3", _system, new ChatMessage("user", "  padded \n"), _assistant),
            Is.EqualTo(
                "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
                    + "<|start_header_id|>user<|end_header_id|>\n\npadded<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\n"
            )
        );
    }

    [TestCase("llama-3.1", "26 Jul 2024")]
    [TestCase("llama-3.2", "06 Jul 2024", Description = "asks for the time")]
    public void Llama_3_1_and_3_2_always_begin_with_a_system_turn_and_a_date(string name, string date)
    {
        var head =
            "<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
            + $"Today Date: {date}\n\n";
        Assert.That(
            Render(name, _user),
            Is.EqualTo(
                head
                    + "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi there!<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\n"
            )
        );
        Assert.That(
            Render(name, _system, _user, _assistant, _again),
            Is.EqualTo(
                head
                    + "Be brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi there!<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
                    + "<|start_header_id|>user<|end_header_id|>\n\nAnd now?<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\n"
            )
        );
    }

    [Test]
    public void Llama_3_2_writes_tools_into_the_first_user_turn()
    {
        var variables = TemplateRunner.Parse("""{"tools": [{"name": "add", "parameters": {"a": 1, "b": []}}]}""");
        Assert.That(
            Load("llama-3.2")
                .Render([_user], new ChatRendering { AddsGenerationPrompt = false, Variables = variables }),
            Is.EqualTo(
                "<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\n"
                    + "Cutting Knowledge Date: December 2023\nToday Date: 06 Jul 2024\n\n<|eot_id|>"
                    + "<|start_header_id|>user<|end_header_id|>\n\n"
                    + "Given the following functions, please respond with a JSON for a function call "
                    + "with its proper arguments that best answers the given prompt.\n\n"
                    + "Respond in the format {\"name\": function name, \"parameters\": dictionary of argument name and its"
                    + " value}.Do not use variables.\n\n"
                    + "{\n    \"name\": \"add\",\n    \"parameters\": {\n        \"a\": 1,\n        \"b\": []\n    }\n}\n\n"
                    + "Hi there!<|eot_id|>"
            )
        );
    }

    [Test]
    public void Llama_3_1_writes_tool_calls_and_their_results()
    {
        var call = new ChatMessage("assistant", "")
        {
            Further = TemplateRunner.Parse(
                """{"tool_calls": [{"function": {"name": "add", "arguments": {"a": 1, "b": "é"}}}]}"""
            ),
        };
        var text = Load("llama-3.1")
            .Render([_user, call, new ChatMessage("tool", "3")], new ChatRendering { AddsGenerationPrompt = false });
        Assert.That(
            text,
            Does.EndWith(
                "<|start_header_id|>assistant<|end_header_id|>\n\n"
                    + "{\"name\": \"add\", \"parameters\": {\"a\": 1, \"b\": \"é\"}}<|eot_id|>"
                    + "<|start_header_id|>ipython<|end_header_id|>\n\n\"3\"<|eot_id|>"
            )
        );
        var builtIn = TemplateRunner.Parse("""{"builtin_tools": ["add", "code_interpreter", "search"]}""");
        var oneArgument = new ChatMessage("assistant", "")
        {
            Further = TemplateRunner.Parse(
                """{"tool_calls": [{"function": {"name": "add", "arguments": {"q": "x", "r": "y"}}}]}"""
            ),
        };
        Assert.That(
            Load("llama-3.1")
                .Render([_user, oneArgument], new ChatRendering { AddsGenerationPrompt = false, Variables = builtIn }),
            Does.Contain("Environment: ipython\nTools: add, search\n\n")
                .And.EndsWith("<|python_tag|>add.call(q=\"x\", r=\"y\")<|eom_id|>")
        );
    }

    [Test]
    public void Vicuna_is_USER_and_ASSISTANT()
    {
        Assert.That(Render("vicuna", _user), Is.EqualTo("<s>USER: Hi there!\nASSISTANT:"));
        Assert.That(
            Render("vicuna", _system, _user, _assistant, _again),
            Is.EqualTo("<s>Be brief.\n\nUSER: Hi there!\nASSISTANT: Hello.</s>\nUSER: And now?\nASSISTANT:")
        );
        Assert.That(
            Render("vicuna-one-line", _user),
            Is.EqualTo(
                "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
                    + "detailed, and polite answers to the user's questions. USER: Hi there! ASSISTANT:"
            )
        );
        Assert.That(
            Render("vicuna-one-line", _system, _user, _assistant, _again),
            Is.EqualTo("Be brief. USER: Hi there! ASSISTANT: Hello.</s> USER: And now? ASSISTANT:")
        );
    }

    [Test]
    public void Qwen_2_and_2_5_add_their_own_system_prompt_where_there_is_none()
    {
        const string Turns =
            "<|im_start|>user\nHi there!<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
            + "<|im_start|>user\nAnd now?<|im_end|>\n<|im_start|>assistant\n";
        Assert.That(
            Render("qwen2", _user, _assistant, _again),
            Is.EqualTo("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" + Turns)
        );
        Assert.That(
            Render("qwen2.5", _user, _assistant, _again),
            Is.EqualTo(
                "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
                    + Turns
            )
        );
        foreach (var name in (string[])["qwen2", "qwen2.5"])
        {
            Assert.That(
                Render(name, _system, _user, _assistant, _again),
                Is.EqualTo("<|im_start|>system\nBe brief.<|im_end|>\n" + Turns)
            );
        }
    }

    [Test]
    public void Qwen_2_5_writes_tools_and_gathers_their_results()
    {
        var tools = TemplateRunner.Parse("""{"tools": [{"name": "add"}]}""");
        var call = new ChatMessage("assistant", "")
        {
            Further = TemplateRunner.Parse(
                """{"tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]}"""
            ),
        };
        var text = Load("qwen2.5")
            .Render(
                [_system, _user, call, new ChatMessage("tool", "1"), new ChatMessage("tool", "2")],
                new ChatRendering { Variables = tools }
            );
        Assert.That(text, Does.StartWith("<|im_start|>system\nBe brief.\n\n# Tools\n\nYou may call one or more"));
        Assert.That(text, Does.Contain("<tools>\n{\"name\": \"add\"}\n</tools>\n\nFor each function call,"));
        Assert.That(
            text,
            Does.EndWith(
                "<|im_start|>assistant\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call><|im_end|>\n"
                    + "<|im_start|>user\n<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response><|im_end|>\n"
                    + "<|im_start|>assistant\n"
            )
        );
    }

    [Test]
    public void Qwen_3_drops_old_thoughts_and_can_be_told_not_to_think()
    {
        var thinking = new ChatMessage("assistant", "<think>\nHm.\n</think>\n\nHello.");
        Assert.That(
            Render("qwen3", _user, thinking, _again),
            Is.EqualTo(
                "<|im_start|>user\nHi there!<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
                    + "<|im_start|>user\nAnd now?<|im_end|>\n<|im_start|>assistant\n"
            )
        );
        Assert.That(
            Load("qwen3").Render([_system, _user, thinking], new ChatRendering { AddsGenerationPrompt = false }),
            Is.EqualTo(
                "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi there!<|im_end|>\n"
                    + "<|im_start|>assistant\n<think>\nHm.\n</think>\n\nHello.<|im_end|>\n"
            ),
            "the thoughts after the last question stay"
        );
        Assert.That(
            Load("qwen3")
                .Render(
                    [_user],
                    new ChatRendering { Variables = TemplateRunner.Parse("""{"enable_thinking": false}""") }
                ),
            Is.EqualTo("<|im_start|>user\nHi there!<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
        );
    }

    [Test]
    public void Zephyr_and_TinyLlama_write_a_line_for_the_role()
    {
        Assert.That(Render("zephyr", _user), Is.EqualTo("<|user|>\nHi there!</s>\n<|assistant|>\n"));
        Assert.That(
            Render("zephyr", _system, _user, _assistant, _again),
            Is.EqualTo(
                "<|system|>\nBe brief.</s>\n<|user|>\nHi there!</s>\n<|assistant|>\nHello.</s>\n"
                    + "<|user|>\nAnd now?</s>\n<|assistant|>\n"
            )
        );
    }

    [Test]
    public void ChatML_is_what_it_says()
    {
        Assert.That(
            Render("chatml", _system, _user),
            Is.EqualTo(
                "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi there!<|im_end|>\n<|im_start|>assistant\n"
            )
        );
        Assert.That(
            Load("chatml").Render([_user, _assistant], new ChatRendering { AddsGenerationPrompt = false }),
            Is.EqualTo("<|im_start|>user\nHi there!<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n")
        );
    }

    [Test]
    public void Our_own_models_render_with_the_templates_in_their_folders()
    {
        Assert.That(
            ChatTemplateLoader
                .Load(TextTestData.GsmLlama, TemplateRunner.Time)
                .Render([_system, _user, _assistant, _again], ChatRendering.Default),
            Is.EqualTo("<s>Be brief. USER: Hi there! ASSISTANT: Hello.</s>USER: And now? ASSISTANT:")
        );
        Assert.That(
            ChatTemplateLoader
                .Load(TextTestData.TinyLlama3, TemplateRunner.Time)
                .Render([_user], ChatRendering.Default),
            Is.EqualTo(
                "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi there!<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\n"
            )
        );
    }

    [Test]
    public void Rendered_text_is_encoded_with_one_beginning_and_its_markers()
    {
        var text = ChatTemplateLoader
            .Load(TextTestData.TinyLlama3, TemplateRunner.Time)
            .Render([_user], ChatRendering.Default);
        var ids = TokenizerLoader.Load(TextTestData.TinyLlama3).EncodeRendered(text);
        Assert.That(ids.Where(id => id >= 2042), Is.EqualTo(TextTestData.Ids(2042, 2044, 2045, 2046, 2044, 2045)));
    }

    private static string Render(string name, params ChatMessage[] messages) =>
        Load(name).Render(messages, ChatRendering.Default);

    private static ChatTemplate Load(string name)
    {
        var path = TextTestData.Data("templates", $"{name}.jinja");
        KeyValuePair<string, string>[] tokens = [new("bos_token", "<s>"), new("eos_token", "</s>")];
        return ChatTemplate.Parse(path, File.ReadAllText(path), tokens, TemplateRunner.Time);
    }
}
