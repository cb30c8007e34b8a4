using Ppsd.Host.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text.ChatTemplates;

/// <summary>Whatever a template says, rendering ends soon and in order.</summary>
public class TemplateLimitTests
{
    [TestCase("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "needs more than")]
    [TestCase("{% macro f(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(1) }}", "nested more than 300 deep")]
    [TestCase(
        "{% macro f(x) %}{% if x > 0 %}{{ f(x - 1) }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(50) }}",
        "needs more than"
    )]
    [TestCase("{{ 'a' * 999999999999 }}", "makes a")]
    [TestCase("{{ range(100001) }}", "range: more than 100000 numbers")]
    [TestCase(
        "{% set ns = namespace(x='ab') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "makes a"
    )]
    [TestCase(
        "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "makes a"
    )]
    [TestCase("{% set big = 'x' * 1000000 %}{% for i in range(100) %}{{ big }}{% endfor %}", "makes a")]
    [TestCase(
        "{% set big = 'x' * 1000000 %}{% for i in range(100000) %}{% set y = big | upper %}{% endfor %}",
        "needs more than"
    )]
    [TestCase(
        "{% set big = 'x' * 1000000 %}{% for i in range(100000) %}{% if 'y' in big %}{% endif %}{% endfor %}",
        "needs more than"
    )]
    [TestCase("{% set big = 'x' * 10000 %}{{ big.replace('x', big) }}", "makes a")]
    [TestCase(
        "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "a value is nested more than 300 deep"
    )]
    [TestCase(
        "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "a value is nested more than 300 deep"
    )]
    [TestCase(
        "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x == [ns.x] }}",
        "a value is nested more than 300 deep"
    )]
    [TestCase(
        "{% set ns = namespace(x=[]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "makes a"
    )]
    [TestCase(
        "{% set a = 'a' * 500000 %}{{ (a ~ 'b' ~ a) in (a ~ a ~ a ~ a) }}",
        "needs more than",
        Description = "a search that nearly succeeds everywhere"
    )]
    [TestCase("{% set a = 'a' * 500000 %}{{ (a ~ a ~ a ~ a).split(a ~ 'b' ~ a) }}", "needs more than")]
    [TestCase("{% set a = 'a' * 500000 %}{{ (a ~ a ~ a ~ a).replace(a ~ 'b' ~ a, '') }}", "needs more than")]
    public void Work_is_bounded(string template, string message) =>
        Assert.That(
            () => TemplateRunner.Render(template),
            Throws.TypeOf<TextException>().With.Message.Contains(message)
        );

    [Test]
    public void Nesting_is_bounded_wherever_it_occurs()
    {
        AssertRefused("{{ " + Repeat("(") + "1" + Repeat(")") + " }}");
        AssertRefused("{{ " + Repeat("[") + Repeat("]") + " }}");
        AssertRefused("{{ " + Repeat("not ") + "1 }}");
        AssertRefused("{{ " + Repeat("- ") + "1 }}");
        AssertRefused("{{ 1" + Repeat(" + 1") + " }}");
        AssertRefused("{{ m" + Repeat(".a") + " }}");
        AssertRefused("{{ m" + Repeat(" | trim") + " }}");
        AssertRefused("{{ 1" + Repeat(" if 1 else 1") + " }}");
        AssertRefused("{% set " + Repeat("(") + "a" + Repeat(")") + " = 1 %}");
        AssertRefused(Repeat("{% if 1 %}") + Repeat("{% endif %}"));
        AssertRefused(Repeat("{% for x in l %}") + Repeat("{% endfor %}"));

        static string Repeat(string text) => string.Concat(Enumerable.Repeat(text, 20_000));

        static void AssertRefused(string template) =>
            Assert.That(
                () => TemplateRunner.Render(template),
                Throws.TypeOf<TextException>().With.Message.Contains("nested more than")
            );
    }

    [Test]
    public void Long_chains_that_need_no_nesting_are_fine()
    {
        var branches = string.Concat(Enumerable.Repeat("{% elif no %}b", 10_000));
        Assert.That(TemplateRunner.Render("{% if no %}a" + branches + "{% else %}c{% endif %}"), Is.EqualTo("c"));
    }

    [Test]
    public void A_template_of_a_megabyte_is_too_long() =>
        Assert.That(
            () => TemplateRunner.Render(new string('a', (1 << 20) + 1)),
            Throws.TypeOf<TextException>().With.Message.StartsWith("t: the template has 1048577 characters; at most")
        );

    [Test]
    public void A_long_conversation_is_within_the_limits()
    {
        var path = TextTestData.Data("templates", "qwen3.jinja");
        var messages = Enumerable
            .Range(0, 2000)
            .Select(i => new ChatMessage(i % 2 == 0 ? "user" : "assistant", new string('x', 1000)))
            .ToArray();
        Assert.That(TemplateRunner.Render(File.ReadAllText(path), messages), Has.Length.GreaterThan(2_000_000));
    }
}
