using Ppsd.Host.Text.ChatTemplates.Functions;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text.ChatTemplates;

public class TemplateRefusalTests
{
    [TestCase(
        "a\n {% include 'x' %}",
        "t(2,5): the statement 'include' is not supported; supported: if, for, set, macro, call, filter, with, raw, break, continue, generation"
    )]
    [TestCase("{% call 7 %}{% endcall %}", "t(1,9): expected a macro's call, such as 'name(1)'")]
    [TestCase("{% raw %}{{ x }}", "t(1,1): 'raw' is not closed with 'endraw'")]
    [TestCase("{{ '\\N{DASH}' }}", "t(1,5): the escape sequence '\\N' is not supported")]
    public void What_the_parser_does_not_know_is_named_with_its_place(string template, string message) =>
        AssertRefused(template, message);

    [TestCase("{{ '{:q}'.format(1) }}", "t(1,17): the format 'q' is not supported")]
    [TestCase("{{ '{'.format(1) }}", "t(1,14): format: '{' at character 0 has no counterpart")]
    [TestCase("{{ '{2}'.format(1) }}", "t(1,16): format: there is no argument 2")]
    [TestCase("{{ l.append(1) }}", "t(1,12): a list has no method 'append' here")]
    [TestCase("{{ '%s %s' % s }}", "t(1,12): '%': the format needs more values")]
    [TestCase("{{ '%s' % (1, 2) }}", "t(1,9): '%': the format does not use all values")]
    [TestCase("{{ '%q' % s }}", "t(1,9): '%': the directive '%q' is not supported")]
    [TestCase("{{ '%9999d' % n }}", "t(1,13): '%': 9999 is more than 1000")]
    [TestCase("{{ strftime_now('%Q') }}", "t(1,16): strftime_now: the directive '%Q' is not supported")]
    [TestCase(
        "{{ s | trim(cut=1) }}",
        "t(1,8): filter 'trim' was given arguments it does not know: 0 without a name; named: 'cut'"
    )]
    [TestCase("{{ [1, 'a'] | sort }}", "t(1,15): '<' does not apply to")]
    [TestCase("{{ [[1]] | unique }}", "t(1,12): unique does not apply to a list")]
    [TestCase(
        "{% macro f() %}{% endmacro %}{% call f() %}{% endcall %}",
        "t(1,39): macro 'f' was given arguments it does not know"
    )]
    public void What_cannot_be_evaluated_is_named_with_its_place(string template, string message) =>
        AssertRefused(template, message);

    [TestCase("{{ s\n | shuffle }}", "t(2,4): the filter 'shuffle' is not supported; supported: abs,")]
    [TestCase("{{ s is lonely }}", "t(1,9): the test 'lonely' is not supported; supported: boolean,")]
    [TestCase("{{ [s] | map('shuffle') | list }}", "t(1,14): the filter 'shuffle' is not supported")]
    [TestCase("{{ [s] | select('lonely') | list }}", "t(1,17): the test 'lonely' is not supported")]
    [TestCase("{{ [m] | rejectattr('a', 'lonely') }}", "t(1,26): the test 'lonely' is not supported")]
    [TestCase("{% filter shuffle %}{% endfilter %}", "t(1,11): the filter 'shuffle' is not supported")]
    [TestCase("{% call lipsum() %}{% endcall %}", "t(1,9): the function 'lipsum' is not supported; supported: dict,")]
    public void A_name_that_is_not_known_is_refused_when_the_template_is_read(string template, string message)
    {
        AssertRefused(template, message);
        Assert.That(
            () => TemplateRunner.Render($"{{% if no %}}\n{template}{{% endif %}}"),
            Throws.TypeOf<TextException>().With.Message.Contains(message[message.IndexOf(':')..])
        );
    }

    [TestCase("{% if absent is defined %}{{ absent() }}{% endif %}")]
    [TestCase("{% macro f() %}{% endmacro %}{{ f() }}")]
    [TestCase("{% macro m(f) %}{% if no %}{{ f() }}{% endif %}{% endmacro %}{{ m(1) }}")]
    [TestCase("{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{% endcall %}")]
    [TestCase("{% for x in [] recursive %}{{ loop(x) }}{% endfor %}")]
    [TestCase("{% set f = range %}{% for x in f(0) %}{% endfor %}")]
    public void A_function_that_the_template_may_have_is_not_refused(string template) =>
        Assert.That(TemplateRunner.Render(template), Is.Empty);

    [Test]
    public void The_functions_that_are_called_supported_are_there() =>
        Assert.That(
            TemplateRunner.Render(string.Concat(GlobalFunctions.Names.Select(name => $"{{{{ {name} is callable }}}}"))),
            Is.EqualTo(string.Concat(Enumerable.Repeat("True", GlobalFunctions.Names.Count)))
        );

    [TestCase("{{ nothing.x }}", "t(1,11): 'nothing' is undefined")]
    [TestCase("{{ m.zz.y }}", "t(1,8): a map has no entry or method 'zz' here")]
    [TestCase("{{ s + nothing }}", "t(1,6): 'nothing' is undefined")]
    [TestCase("{{ s + n }}", "t(1,6): '+' does not apply to a string and an integer")]
    [TestCase("{{ n < s }}", "t(1,6): '<' does not apply to an integer and a string")]
    [TestCase("{{ n // zero }}", "t(1,6): division by zero")]
    [TestCase("{{ 9223372036854775807 + 1 }}", "t(1,24): the number is too large")]
    [TestCase("{{ no | length }}", "t(1,9): none has no length")]
    [TestCase("{% for x in n %}{% endfor %}", "t(1,13): an integer has no elements")]
    [TestCase("{% for a, b in l %}{% endfor %}", "t(1,16): an integer does not have 2 elements")]
    [TestCase("{% set m.a = 1 %}", "t(1,14): 'm' is not a namespace: its fields cannot be set")]
    [TestCase("{{ l[::0] }}", "t(1,5): a slice's step must not be 0")]
    [TestCase("{% set k = n %}{{ k() }}", "t(1,20): an integer cannot be called")]
    [TestCase("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "t(1,35): macro 'f' was given arguments it does not know")]
    [TestCase("{{ range }}", "t(1,4): a function has no text")]
    public void Misuse_is_an_error_with_its_place(string template, string message) => AssertRefused(template, message);

    [TestCase("{% if yes %}", "t(1,4): 'if' is not closed with 'endif'")]
    [TestCase("{% for x in l %}{% endif %}", "t(1,17): expected 'endfor' but found 'endif'")]
    [TestCase("a{% endif %}", "t(1,2): 'endif' has no beginning")]
    [TestCase("{% break %}", "t(1,4): 'break' stands outside a loop")]
    [TestCase("{{ a", "t(1,1): the tag is not closed with '}}'")]
    [TestCase("{# a", "t(1,1): the comment is not closed")]
    [TestCase("{{ 'a }}", "t(1,4): the string is not closed")]
    [TestCase("{{ a b }}", "t(1,6): expected '}}' but found 'b'")]
    [TestCase("{{ }}", "t(1,4): expected a value but found '}}'")]
    [TestCase("{{ (1 }}", "t(1,7): '}' closes nothing")]
    [TestCase("{{ 1 $ 2 }}", "t(1,6): '$' is not an operator")]
    [TestCase("{{ f(a=1, 2) }}", "t(1,11): an argument without a name follows one with a name or an unpacked one")]
    [TestCase("{{ 99999999999999999999 }}", "t(1,4): the number is too large")]
    [TestCase("{% if yes %}{% else %}{% else %}{% endif %}", "t(1,23): expected 'endif' but found 'else'")]
    public void Malformed_templates_are_refused_with_the_place(string template, string message) =>
        AssertRefused(template, message);

    [Test]
    public void A_template_s_own_refusal_is_passed_on_word_for_word() =>
        AssertRefused("{{ raise_exception('Only ' ~ n ~ ' turns!') }}", "Only 7 turns!");

    private static void AssertRefused(string template, string message) =>
        Assert.That(
            () => TemplateRunner.Render(template),
            Throws.TypeOf<TextException>().With.Message.StartsWith(message)
        );
}
