using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text.ChatTemplates;

public class ChatRenderingTests
{
    private const string Stripping =
        "{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}<end>{% endfor %}"
        + "{% if add_generation_prompt %}[assistant]{% endif %}";

    [TestCase("Once upon", "[user]Hi<end>[assistant]Once upon")]
    [TestCase(" Once  ", "[user]Hi<end>[assistant]Once", Description = "a stripped message ends where its text does")]
    public void A_final_message_can_be_continued(string message, string expected) =>
        Assert.That(Render(Stripping, message), Is.EqualTo(expected));

    [Test]
    public void A_final_message_that_keeps_its_spaces_is_continued_after_them() =>
        Assert.That(Render(Stripping.Replace(" | trim", ""), "Once "), Is.EqualTo("[user]Hi<end>[assistant]Once "));

    [Test]
    public void A_template_that_does_not_write_the_final_message_cannot_continue_it() =>
        Assert.That(
            () => Render("{{ messages | length }}", "Once"),
            Throws
                .TypeOf<TextException>()
                .With.Message.EqualTo("the chat template does not write the last message, so it cannot be continued")
        );

    [Test]
    public void Variables_reach_the_template_and_do_not_replace_its_messages()
    {
        var template = Parse("{{ reasoning_effort }}{{ tags.a[0] }}");
        var rendering = new ChatRendering
        {
            Variables = TemplateRunner.Parse("""{"reasoning_effort": "low", "tags": {"a": [1]}}"""),
        };
        Assert.That(template.Render([new ChatMessage("user", "Hi")], rendering), Is.EqualTo("low1"));
        var replacing = new ChatRendering { Variables = TemplateRunner.Parse("""{"messages": []}""") };
        Assert.That(
            () => template.Render([new ChatMessage("user", "Hi")], replacing),
            Throws.TypeOf<TextException>().With.Message.StartsWith("'messages': expected another name")
        );
    }

    [Test]
    public void Only_what_no_other_text_could_help_is_the_models_fault()
    {
        Assert.That(Fault("{{ 'a' | shuffle }}").IsModelAtFault, Is.True);
        Assert.That(Fault("{{ 'a' is lonely }}").IsModelAtFault, Is.True);
        Assert.That(Fault("{{ raise_exception('No!') }}").IsModelAtFault, Is.False);
        Assert.That(Fault("{{ messages[0].name.first }}").IsModelAtFault, Is.False);

        static TextException Fault(string template) =>
            Assert.Throws<TextException>(() =>
                Parse(template).Render([new ChatMessage("user", "Hi")], ChatRendering.Default)
            )!;
    }

    private static string Render(string template, string final) =>
        Parse(template)
            .Render(
                [new ChatMessage("user", "Hi"), new ChatMessage("assistant", final)],
                new ChatRendering { ContinuesFinalMessage = true }
            );

    private static ChatTemplate Parse(string template) => ChatTemplate.Parse("t", template, [], TemplateRunner.Time);
}
