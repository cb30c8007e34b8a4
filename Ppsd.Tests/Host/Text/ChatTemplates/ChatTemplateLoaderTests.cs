using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text.ChatTemplates;

public class ChatTemplateLoaderTests
{
    private static readonly ChatMessage[] _messages = [new("user", "Hi")];

    [Test]
    public void A_file_of_its_own_wins_over_the_configuration()
    {
        using var folder = ModelFolder.LlamaWith("""{"chat_template": "config", "bos_token": "<s>"}""");
        Assert.That(Render(folder), Is.EqualTo("config"));
        folder.Write("chat_template.jinja", "{{ bos_token }}file\n");
        Assert.That(Render(folder), Is.EqualTo("<s>file"));
    }

    [Test]
    public void Of_several_named_templates_the_default_counts()
    {
        using var folder = ModelFolder.LlamaWith(
            """{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}"""
        );
        Assert.That(Render(folder), Is.EqualTo("d"));
    }

    [Test]
    public void Named_templates_without_a_default_are_refused()
    {
        using var folder = ModelFolder.LlamaWith("""{"chat_template": [{"name": "rag", "template": "r"}]}""");
        Assert.That(
            () => Render(folder),
            Throws
                .TypeOf<TextException>()
                .With.Message.EndsWith(
                    "chat_template: found only the names rag; supported: a template, or a list with one named 'default'"
                )
        );
    }

    [Test]
    public void A_model_without_a_template_says_what_to_do()
    {
        using var folder = ModelFolder.LlamaWith("{}");
        Assert.That(ChatTemplateLoader.TryLoad(folder.Path, TemplateRunner.Time), Is.Null);
        Assert.That(
            () => Render(folder),
            Throws
                .TypeOf<TextException>()
                .With.Message.EqualTo(
                    $"{folder.Path}: the model has no chat template (chat_template.jinja, or chat_template in "
                        + "tokenizer_config.json); give a raw prompt instead of messages, or --chat-template FILE"
                )
        );
    }

    [Test]
    public void An_error_names_the_file_and_the_place()
    {
        using var folder = ModelFolder.LlamaWith("""{"chat_template": "a\n{% do %}"}""");
        Assert.That(
            () => Render(folder),
            Throws
                .TypeOf<TextException>()
                .With.Message.StartsWith($"{Path.Combine(folder.Path, "tokenizer_config.json")}: chat_template(2,4): ")
        );
    }

    [Test]
    public void Tokens_that_a_model_does_not_have_are_undefined_in_its_template()
    {
        using var folder = ModelFolder.LlamaWith(
            """{"chat_template": "{{ bos_token is defined }}{{ eos_token }}", "bos_token": null, "eos_token": {"content": "</s>"}}"""
        );
        Assert.That(Render(folder), Is.EqualTo("False</s>"));
    }

    [Test]
    public void A_template_may_come_from_a_file_of_its_own()
    {
        using var folder = ModelFolder.LlamaWith("""{"chat_template": "config", "bos_token": "<s>"}""");
        folder.Write("mine.jinja", "{{ bos_token }}mine\n");
        var path = Path.Combine(folder.Path, "mine.jinja");
        var template = ChatTemplateLoader.LoadFile(path, folder.Path, TemplateRunner.Time);
        Assert.That(template.Render(_messages, ChatRendering.Default), Is.EqualTo("<s>mine"));

        folder.Write("mine.jinja", [0x61, 0xFF]);
        AssertRefused($"{path}:1: byte 2: expected UTF-8, found 0xFF");
        File.Delete(path);
        AssertRefused($"{path}: cannot be read: ");

        void AssertRefused(string message) =>
            Assert.That(
                () => ChatTemplateLoader.LoadFile(path, folder.Path, TemplateRunner.Time),
                Throws.TypeOf<TextException>().With.Message.StartsWith(message)
            );
    }

    [Test]
    public void One_template_serves_many_threads()
    {
        var template = ChatTemplateLoader.Load(TextTestData.GsmLlama, TemplateRunner.Time);
        var texts = Enumerable
            .Range(0, 200)
            .AsParallel()
            .AsOrdered()
            .WithDegreeOfParallelism(8)
            .Select(i => template.Render([new ChatMessage("user", $"{i}")], ChatRendering.Default));
        Assert.That(texts, Is.EqualTo(Enumerable.Range(0, 200).Select(i => $"<s>USER: {i} ASSISTANT:")));
    }

    private static string Render(ModelFolder folder) =>
        ChatTemplateLoader.Load(folder.Path, TemplateRunner.Time).Render(_messages, ChatRendering.Default);
}
