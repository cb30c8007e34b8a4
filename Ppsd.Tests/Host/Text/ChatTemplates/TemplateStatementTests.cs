namespace Ppsd.Tests.Host.Text.ChatTemplates;

public class TemplateStatementTests
{
    [TestCase(
        "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.length }}{{ x }};{% endfor %}",
        "10333;21231;32132;"
    )]
    [TestCase("{% for x in ls %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}", "a, b, c")]
    [TestCase(
        "{% for x in ls %}{{ loop.first }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}",
        "Trueb Falseac Falseb "
    )]
    [TestCase(
        "{% for x in ls %}{{ loop.cycle('-', '+') }}{{ loop.nextitem is defined }} {% endfor %}",
        "-True +True -False "
    )]
    [TestCase("{% for x in l if x > 1 %}{{ loop.index }}{{ x }}{% else %}none{% endfor %}", "1322")]
    [TestCase("{% for x in l if x > 9 %}{{ x }}{% else %}none{% endfor %}", "none")]
    [TestCase("{% for x in nothing %}{{ x }}{% else %}none{% endfor %}", "none")]
    [TestCase("{% for k, v in m.items() %}{{ k }}={{ v }};{% endfor %}", "a=1;b=[1, 2];items=5;k=None;")]
    [TestCase("{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123")]
    [TestCase("{% for c in u %}[{{ c }}]{% endfor %}{% for k in m %}{{ k }}{% endfor %}", "[a][é][漢][🙂][b]abitemsk")]
    [TestCase("{% for x in 'ab', 'cd' %}{{ x }}{% endfor %}", "abcd")]
    [TestCase("{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "32")]
    [TestCase("{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}", "3")]
    [TestCase(
        "{% for x in l %}{% for y in ls %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}",
        "1231 1232 1233 "
    )]
    public void Loops(string template, string expected) => Check(template, expected);

    [TestCase("{% set a = 1 %}{% for x in l %}{% set a = a + x %}{{ a }}{% endfor %}{{ a }}", "4231")]
    [TestCase("{% set ns = namespace(a=1) %}{% for x in l %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}", "7")]
    [TestCase("{% if yes %}{% set a = 5 %}{% endif %}{{ a }}", "5")]
    [TestCase("{% set a, b = 1, 2 %}{% set a, b = b, a %}{{ a }}{{ b }}", "21")]
    [TestCase("{% set x %}he{{ n }}{% endset %}{{ x }}{{ x is string }}", "he7True")]
    [TestCase("{% set x | upper | trim %} ab {% endset %}{{ x }}|", "AB|")]
    public void Assignments_stay_in_their_scope(string template, string expected) => Check(template, expected);

    [TestCase("{% if empty %}a{% elif zero %}b{% elif n %}c{% else %}d{% endif %}", "c")]
    [TestCase("{% if no %}{% else %}X{% endif %}{% if not el %}Y{% endif %}{% if nothing %}Z{% endif %}", "XY")]
    public void Conditions(string template, string expected) => Check(template, expected);

    [TestCase(
        "{% macro f(a, b='B', c=n) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(b=1, a=2) }}{{ f() }}",
        "[1B7][127][217][B7]"
    )]
    [TestCase("{% macro f(k) %}{% if k > 0 %}{{ k }}{{ f(k - 1) }}{% endif %}{% endmacro f %}{{ f(5) }}", "54321")]
    [TestCase("{% macro f() %}{{ s }}{{ later }}{% endmacro %}{% set later = 1 %}{{ f() | upper }}", "HELLO WORLD1")]
    public void Macros(string template, string expected) => Check(template, expected);

    [Test]
    public void Generation_marks_are_passed_over() =>
        Check("{% generation %}a{{ n }}{% endgeneration %} {%- generation -%} b {%- endgeneration %}", "a7b");

    [TestCase(
        "a\n{% if yes %}\n  b\n{% endif %}\nc\n",
        "a\n  b\nc",
        Description = "the line end after a statement goes, and the last one"
    )]
    [TestCase(
        "  {% if yes %}  x{% endif %}  \n {{ n }} \n  {# c #}\nd",
        "  x  \n 7 \nd",
        Description = "so does indentation before one that begins its line"
    )]
    [TestCase("x {% if yes %} y {% endif %} z", "x  y  z", Description = "but no white space within a line")]
    [TestCase("{{ n }}\n{{ n }}", "7\n7", Description = "printing takes no line end")]
    [TestCase(
        "a \n\n {%- if yes -%} \n\n b \n {%- endif -%} \n c",
        "abc",
        Description = "a minus takes all white space"
    )]
    [TestCase("{{- n -}} x {{- n }}", "7x7")]
    [TestCase("  {%+ if yes %}\na{% endif +%}\n b", "  a\n b", Description = "a plus keeps it")]
    [TestCase("x{#- c -#} y\n{#+ c +#}\nz", "xy\n\nz")]
    [TestCase("\r\n{% if yes %}\r\n a\r\n{% endif %}\r\n", "\n a\n", Description = "line ends are one kind")]
    [TestCase("{{ '}}' }}{{ '{{' }}{% if '%}' %}y{% endif %}{ {", "}}{{y{ {")]
    public void White_space_around_tags(string template, string expected) => Check(template, expected);

    private static void Check(string template, string expected) =>
        Assert.That(TemplateRunner.Render(template), Is.EqualTo(expected));
}
