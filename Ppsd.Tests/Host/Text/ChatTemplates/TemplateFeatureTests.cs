namespace Ppsd.Tests.Host.Text.ChatTemplates;

/// <summary>
/// What templates of published models use beyond the basics; every expected text was printed by Jinja2 3.1.6 itself, in
/// the environment that transformers sets up.
/// </summary>
public class TemplateFeatureTests
{
    [TestCase(
        "{{ \"they're bill's {x} (a) [b] <c> a-b \u00e9a \u01c6\" | title }}",
        "They're Bill's {X} (A) [B] <C> A-B \u00c9a \u01c4"
    )]
    [TestCase("{{ \"they're bill's 3rd\".title() }}", "They'Re Bill'S 3Rd")]
    [TestCase(
        "{{ 'stra\u00dfe \u0149 \ufb01 \u0390 \u0131 \u017f' | upper }}",
        "STRASSE \u02bcN FI \u0399\u0308\u0301 I S"
    )]
    [TestCase(
        "{{ '\u0130I \u0391\u03a3 \u0391\u03a3\u0391 \u03a3 \u0391\u03a3. \u0391.\u03a3 \u038c\u03a3\u039f\u03a3' | lower }}",
        "i\u0307i \u03b1\u03c2 \u03b1\u03c3\u03b1 \u03c3 \u03b1\u03c2. \u03b1.\u03c2 \u03cc\u03c3\u03bf\u03c2"
    )]
    [TestCase(
        "{{ '\u01c6a \u00dfa \ufb01a \u10d0\u10d1 \u1fb3x' | capitalize }}{{ '\u00dfA'.capitalize() }}{{ '\ufb03X'.capitalize() }}",
        "\u01c5a \u00dfa \ufb01a \u10d0\u10d1 \u1fb3xSsaFfix"
    )]
    [TestCase(
        "{{ '\u01c6 \u00df \u10d0\u10d1 \u02b0a \u2163x \u24d0X \u6f22a'.title() }}",
        "\u01c5 Ss \u10d0\u10d1 \u02b0a \u2163x \u24b6x \u6f22A"
    )]
    [TestCase(
        "{{ '\ud801\udc28\ud801\udc00'.upper() ~ '\ud801\udc28\ud801\udc00'.lower() ~ '\ud801\udc28\ud801\udc28'.title() }}",
        "\ud801\udc00\ud801\udc00\ud801\udc28\ud801\udc28\ud801\udc00\ud801\udc28"
    )]
    [TestCase(
        "{{ 'Ab'.isupper() }}{{ 'AB1'.isupper() }}{{ 'ab \u00e9'.islower() }}{{ '12'.islower() }}{{ 'ab' is lower }}{{ 'AB' is upper }}",
        "FalseTrueTrueFalseTrueTrue"
    )]
    public void Case_mappings_are_those_of_Unicode_in_full(string template, string expected) =>
        Check(template, expected);

    [TestCase(
        "{{ no | map('upper') | list }}{{ no | select | list }}{{ no | selectattr('a') | list }}{{ zero | reject | list }}{{ no | rejectattr('a') | list }}{{ nothing | map(attribute='a') | list }}",
        "[][][][][][]"
    )]
    public void Filters_of_nothing_make_nothing(string template, string expected) => Check(template, expected);

    [TestCase(
        "{{ l | sort }}{{ ['b', 'A', 'c', 'a'] | sort }}{{ ['b', 'A'] | sort(case_sensitive=true) }}{{ l | sort(reverse=true) }}",
        "[1, 2, 3]['A', 'a', 'b', 'c']['A', 'b'][3, 2, 1]"
    )]
    [TestCase(
        "{{ [{'a': 2, 'b': 'x'}, {'a': 1, 'b': 'Y'}, {'a': 1, 'b': 'a'}] | sort(attribute='a,b') | map(attribute='b') | join }}",
        "aYx"
    )]
    [TestCase(
        "{{ [[2, 'a'], [1, 'b'], [2, 'A']] | sort(attribute=0) }}{{ [[2, 1], [1, 9], [1, 2]] | sort }}{{ [[2], [1]] | sort(attribute='0') }}",
        "[[1, 'b'], [2, 'a'], [2, 'A']][[1, 2], [1, 9], [2, 1]][[1], [2]]"
    )]
    [TestCase(
        "{{ {'b': 1, 'A': 3, 'c': 2} | dictsort }}{{ {'b': 1, 'A': 3} | dictsort(true) }}{{ {'b': 1, 'a': 3} | dictsort(by='value', reverse=true) }}",
        "[('A', 3), ('b', 1), ('c', 2)][('A', 3), ('b', 1)][('a', 3), ('b', 1)]"
    )]
    [TestCase(
        "{{ [1, 1.0, true, 'a', 'A', none, 2] | unique | list }}{{ ['a', 'A'] | unique(true) | list }}{{ recs | unique(attribute='role') | map(attribute='role') | list }}",
        "[1, 'a', None, 2]['a', 'A']['user', 'tool']"
    )]
    [TestCase(
        "{{ l | min }}{{ l | max }}{{ ['b', 'A'] | min }}{{ el | max }}{{ l | sum }}{{ recs[:2] | sum(attribute='n') }}{{ l | sum(start=10) }}",
        "13A6316"
    )]
    [TestCase("{% for key, group in recs | groupby('role') %}{{ key }}{{ group | length }}{% endfor %}", "tool1user2")]
    [TestCase(
        "{{ l | batch(2) | list }}{{ l | batch(2, 'x') | list }}{{ ('\ud800\udc00', '\uffff') | sort }}{{ [1, 2] < [1, 3] }}{{ (1,) < (1, 0) }}",
        "[[3, 1], [2]][[3, 1], [2, 'x']]['\\uffff', '\ud800\udc00']TrueTrue"
    )]
    public void Elements_are_put_in_order(string template, string expected) => Check(template, expected);

    [TestCase(
        "{{ 'a\\n\\nb' | indent }}|{{ 'a\\n\\nb\\n' | indent(2, true) }}|{{ 'a\\n\\nb' | indent('> ', blank=true) }}|{{ '' | indent }}|",
        "a\n\n    b|  a\n\n  b\n|a\n> \n> b||"
    )]
    public void Lines_are_moved_to_the_right(string template, string expected) => Check(template, expected);

    [TestCase(
        "{{ n | round }} {{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 0.125 | round(2) }} {{ 1e300 | round(2) }}",
        "7 2.0 4.0 2.67 0.12 1e+300"
    )]
    [TestCase(
        "{{ n | round(0, 'ceil') }} {{ 2.1 | round(method='floor') }} {{ 2.123 | round(2, 'ceil') }} {{ 1250 | round(-2) }} {{ 1350 | round(-2) }} {{ 1250.0 | round(-2) }} {{ -0.4 | round }}",
        "7.0 2.0 2.13 1200 1400 1200.0 -0.0"
    )]
    public void Numbers_are_rounded_as_in_Python(string template, string expected) => Check(template, expected);

    [TestCase(
        "{% macro f(x) %}{{ x }}<{{ caller(3) }}>{% endmacro %}{% call(y) f(1) %}b{{ y }}{{ n }}{% endcall %}",
        "1<b37>"
    )]
    [TestCase("{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}", "False")]
    [TestCase("{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, 3, k=4) }}", "1(2, 3){'k': 4}")]
    [TestCase(
        "{% macro f(a, b, c) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(*[1, 2], **{'c': 3}) }}{{ f(1, *(2,), c=4) }}",
        "123124"
    )]
    [TestCase("{% filter upper | replace('A', 'x') %}a{{ s }}{% endfilter %}", "xHELLO WORLD")]
    [TestCase("{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% set c = 2 %}{% endwith %}{{ a }}{{ c }}", "155")]
    [TestCase(
        "{% with %}{% set a = 2 %}{{ a }}{% endwith %}{% for x in l %}{% with y = x %}{% if y == 1 %}{% break %}{% endif %}{{ y }}{% endwith %}{% endfor %}",
        "23"
    )]
    [TestCase(
        "{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}({{ loop(x) }}{{ loop.depth }}{{ loop.depth0 }}){% else %}{{ x }}{% endif %}{% endfor %}",
        "1(2(321)10)"
    )]
    [TestCase("{% for x in [1, 1, 2, 1] %}{{ loop.changed(x) }}{% endfor %}", "TrueFalseTrueTrue")]
    public void Blocks_are_called_filtered_and_scoped(string template, string expected) => Check(template, expected);

    [TestCase("a\n  {% raw %}\n {{ x }} {% if %}\n  {% endraw %}\nb", "a\n\n {{ x }} {% if %}\nb")]
    [TestCase("{%- raw -%}  {{ x {%- endraw -%}  y", "{{ xy")]
    [TestCase("x{% raw %}{# c #}{% endraw %}\ny", "x{# c #}y")]
    public void Raw_text_stays_as_it_is(string template, string expected) => Check(template, expected);

    [TestCase("{{ [1, 2] * 2 }}{{ 2 * (1,) }}{{ [1] * -1 }}", "[1, 2, 1, 2](1, 1)[]")]
    public void Lists_repeat(string template, string expected) => Check(template, expected);

    [TestCase("{{ '%s-%05d-%r-%5s|%-5s|' % ('a', n, 'b', 'c', 'd') }}", "a-00007-'b'-    c|d    |")]
    [TestCase("{{ '%(a)s %(b)04.1f%%' % {'a': 1, 'b': 2.25} }}", "1 02.2%")]
    [TestCase("{{ '%s' % l }}{{ '%x %X %o %#x %+d % d' % (255, 255, 8, 255, 1, 1) }}", "[3, 1, 2]ff FF 10 0xff +1  1")]
    [TestCase(
        "{{ '%.0f %.1f %e %g %g %G' % (2.5, 0.25, 12345.678, 1e-5, 100000.0, 1e20) }}",
        "2 0.2 1.234568e+04 1e-05 100000 1E+20"
    )]
    [TestCase("{{ '%c%c' % ('x', 65) }}{{ '%d' % 3.9 }}{{ '%.2s' % 'abc' }}", "xA3ab")]
    [TestCase("{{ '%s %s' | format(1, 'a') }}{{ '%(x)s' | format(x=2) }}", "1 a2")]
    public void Text_is_formatted_by_percent_signs(string template, string expected) => Check(template, expected);

    [TestCase(
        "{{ '{} {}'.format(1, 'a') }}{{ '{1}{0}{{}}'.format(1, 2) }}{{ '{a!r} {b[0]} {c.x} {0[1]}'.format([7, 8], a='q', b=[1], c={'x': 5}) }}",
        "1 a21{}'q' 1 5 8"
    )]
    [TestCase(
        "{{ '{0:>5}|{0:<5}|{0:^5}|{0:*^6}|'.format('ab') }}{{ '{:5}|{:05}|{:+}|{: }|{:<5}|'.format(1, 2, 3, 4, 5) }}",
        "   ab|ab   | ab  |**ab**|    1|00002|+3| 4|5    |"
    )]
    [TestCase(
        "{{ '{:.2f} {:08.3f} {:,} {:_} {:,.1f} {:.1%} {:e} {:g} {:.3} {:.3} {:}'.format(2.5, -3.14159, 1234567, 1234567, 12345.67, 0.256, 12345.0, 1e-7, 100.0, 12.345, 0.1) }}",
        "2.50 -003.142 1,234,567 1_234_567 12,345.7 25.6% 1.234500e+04 1e-07 1e+02 12.3 0.1"
    )]
    [TestCase(
        "{{ '{:x} {:X} {:b} {:o} {:#x} {:c} {:.2} {:5}|{:d}'.format(255, 255, 5, 8, 255, 65, 'abc', true, true) }}",
        "ff FF 101 10 0xff A ab     1|1"
    )]
    public void Text_is_formatted_by_braces(string template, string expected) => Check(template, expected);

    [TestCase(
        "{{ [u, '\\x7f\\n'] | tojson(ensure_ascii=true) }}",
        "[\"a\\u00e9\\u6f22\\ud83d\\ude42b\", \"\\u007f\\n\"]"
    )]
    [TestCase("{{ {'\u00e9': 1} | tojson(ensure_ascii=False) }}", "{\"\u00e9\": 1}")]
    public void JSON_may_be_ASCII(string template, string expected) => Check(template, expected);

    [TestCase(
        "{{ 'a-b-c'.partition('-') }}{{ 'a-b-c'.rpartition('-') }}{{ 'ab'.partition('x') }}{{ 'ab'.rpartition('x') }}{{ 'abab'.rfind('b') }}",
        "('a', '-', 'b-c')('a-b', '-', 'c')('ab', '', '')('', '', 'ab')3"
    )]
    [TestCase(
        "{{ 'ab'.ljust(4, '.') }}{{ 'ab'.rjust(4) }}{{ 'ab'.center(5, '*') }}{{ 'abc'.center(6, '*') }}{{ '-7'.zfill(4) }}{{ 'ab' | center(6) }}|{{ '\u00e9\u6f22'.isalpha() }}{{ 'a1'.isalnum() }}{{ '' .isalpha() }}",
        "ab..  ab**ab**abc**-007  ab  |TrueTrueFalse"
    )]
    [TestCase(
        "{{ '<a href=\"x\">&\\'' | e }}{{ 'a b, c_d' | wordcount }}{{ m | attr('zz') is undefined }}",
        "&lt;a href=&#34;x&#34;&gt;&amp;&#39;3True"
    )]
    public void Methods_of_strings(string template, string expected) => Check(template, expected);

    private static void Check(string template, string expected) =>
        Assert.That(TemplateRunner.Render(template), Is.EqualTo(expected));
}
