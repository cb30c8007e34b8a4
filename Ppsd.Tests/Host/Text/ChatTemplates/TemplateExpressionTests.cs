namespace Ppsd.Tests.Host.Text.ChatTemplates;

/// <summary>Expressions against what Python and Jinja2 3.1 give for them.</summary>
public class TemplateExpressionTests
{
    [TestCase("s ~ n ~ no ~ yes ~ f ~ l", "Hello World7NoneTrue2.5[3, 1, 2]")]
    [TestCase("m", "{'a': 1, 'b': [1, 2], 'items': 5, 'k': None}")]
    [TestCase("[quote]", "['it\\'s \"q\"\\n']")]
    [TestCase("['it\\'s', '\\u2028\\x7f']", "[\"it's\", '\\u2028\\x7f']")]
    [TestCase("(), (1,), (1, 2), [(1,)]", "((), (1,), (1, 2), [(1,)])")]
    [TestCase("nothing", "")]
    [TestCase("[nothing]", "[Undefined]")]
    [TestCase(
        "1e16, 1.5e-7, 100000.0, 0.0001, 1e15, 1 / 3",
        "(1e+16, 1.5e-07, 100000.0, 0.0001, 1000000000000000.0, 0.3333333333333333)"
    )]
    public void Values_print_as_in_Python(string expression, string expected) => Check(expression, expected);

    [TestCase("'a' 'b' \"c\"", "abc")]
    [TestCase("'\\x41\\u00e9\\n\\'\\q\\101'", "Aé\n'\\qA")]
    [TestCase("{'a': {'b': 1}}.a.b", "1")]
    [TestCase("[1, 2,][1], recs.0.role", "(2, 'user')")]
    [TestCase("True, false, None", "(True, False, None)")]
    public void Literals_are_read_as_in_Python(string expression, string expected) => Check(expression, expected);

    [TestCase("1 + 2 * 3 - 4", "3")]
    [TestCase("7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 % -3, 7 / 2, 6 / 2", "(3, -4, 1, 2, -2, 3.5, 3.0)")]
    [TestCase("2 ** 10, 2 ** -1, 7.5 // 2, -7.5 % 2", "(1024, 0.5, 3.0, 0.5)")]
    [TestCase(
        "s + '!', ls + ['d'], 'ab' * 2, yes + 1, -n, +n, n - -1",
        "('Hello World!', ['a', 'b', 'c', 'd'], 'abab', 2, -7, 7, 8)"
    )]
    [TestCase("-3 | abs, neg | abs, f | abs", "(3, 7, 2.5)")]
    public void Arithmetic_is_Python_s(string expression, string expected) => Check(expression, expected);

    [TestCase(
        "1 < 2 < 3, 1 < 3 < 2, 'a' < 'b', 1 == 1.0, 1 == true, no == none",
        "(True, False, True, True, True, True)"
    )]
    [TestCase("l == [3, 1, 2], l == (3, 1, 2), m == m, nothing == nothing", "(True, False, True, True)")]
    [TestCase("'ell' in s, 3 in l, 'a' in m, 'x' not in s, 1 in nothing", "(True, True, True, True, False)")]
    [TestCase("yes and s, yes and empty, empty or s, zero and nothing.x", "('Hello World', '', 'Hello World', 0)")]
    [TestCase("not empty, not s is defined, not 1 == 2", "(True, False, True)")]
    [TestCase("'y' if yes else 'n', 1 if zero else 2 if empty else 3", "('y', 3)")]
    [TestCase("'y' if empty", "")]
    [TestCase(
        "'t' if [0] else 'f', 't' if el else 'f', 't' if em else 'f', 't' if zero else 'f'",
        "('t', 'f', 'f', 'f')"
    )]
    public void Comparisons_and_logic_are_Python_s(string expression, string expected) => Check(expression, expected);

    [TestCase(
        "s[0], s[-1], u[3], u[-2], l[-1], m['items'], m.items() | list | length",
        "('H', 'd', '🙂', '🙂', 2, 5, 4)"
    )]
    [TestCase(
        "s[1:], s[:3], s[-3:], s[::-1], s[1:8:3], s[8:1:-2]",
        "('ello World', 'Hel', 'rld', 'dlroW olleH', 'eoo', 'rWol')"
    )]
    [TestCase(
        "u[::-1], u[1:4], s[100:], s[:100], s[-100:2], s[5:2]",
        "('b🙂漢éa', 'é漢🙂', '', 'Hello World', 'He', '')"
    )]
    [TestCase("l[1:], l[::-1], l[2:0:-1], (1, 2, 3)[1:], l[9:]", "([1, 2], [2, 1, 3], [2, 1], (2, 3), [])")]
    [TestCase("l[9] is defined, s[99] is defined, m.zz is defined, m['zz'] is defined", "(False, False, False, False)")]
    public void Elements_and_slices_are_Python_s(string expression, string expected) => Check(expression, expected);

    [TestCase(
        "space.strip(), space.lstrip(), space.rstrip(), 'xxaxx'.strip('x'), 'xyaxy'.lstrip('yx')",
        "('x y', 'x y \\n ', ' \\t x y', 'a', 'axy')"
    )]
    [TestCase(
        "s.split(), s.split('o', 1), space.split(none, 1), 'a,b,c'.rsplit(',', 1), ''.split(), ''.split('a')",
        "(['Hello', 'World'], ['Hell', ' World'], ['x', 'y \\n '], ['a,b', 'c'], [], [''])"
    )]
    [TestCase(
        "s.startswith('He'), s.endswith(('x', 'd')), s.find('o'), u.find('b'), s.count('l')",
        "(True, True, 4, 4, 3)"
    )]
    [TestCase(
        "s.replace('l', 'L', 1), 'ab'.replace('', '-'), s.upper(), s.lower(), \"they're\".title()",
        "('HeLlo World', '-a-b-', 'HELLO WORLD', 'hello world', \"They'Re\")"
    )]
    [TestCase(
        "'🙂x🙃'.strip('🙃'), '🙂x'.lstrip('🙃'), u.replace('', '.'), ' '.strip('')",
        "('🙂x', '🙂x', '.a.é.漢.🙂.b.', ' ')"
    )]
    [TestCase(
        "'-'.join(ls), s.removeprefix('Hel'), 'a\\nb\\r\\n'.splitlines(), '12'.isdigit()",
        "('a-b-c', 'lo World', ['a', 'b'], True)"
    )]
    [TestCase(
        "m.get('a'), m.get('zz'), m.get('zz', 4), m.keys() | list, m.values() | list",
        "(1, None, 4, ['a', 'b', 'items', 'k'], [1, [1, 2], 5, None])"
    )]
    public void Methods_are_Python_s(string expression, string expected) => Check(expression, expected);

    [TestCase(
        "space | trim, s | upper, s | lower, 'ab cd' | title, 'ab' | capitalize, nothing | upper, no | trim",
        "('x y', 'HELLO WORLD', 'hello world', 'Ab Cd', 'Ab', '', 'None')"
    )]
    [TestCase("s | length, u | length, l | count, m | length, nothing | length", "(11, 5, 3, 4, 0)")]
    [TestCase(
        "nothing | default('d'), empty | default('d'), empty | default('d', true), no | d('x')",
        "('d', '', 'd', None)"
    )]
    [TestCase(
        "l | first, l | last, u | last, ls | join(','), recs | join(',', attribute='role')",
        "(3, 2, 'b', 'a,b,c', 'user,tool,user')"
    )]
    [TestCase(
        "s | replace('l', 'L'), m | items | list | length, s | list | length, n | string",
        "('HeLLo WorLd', 4, 11, '7')"
    )]
    [TestCase(
        "'5' | int, '5.7' | int, 'x' | int, 'x' | int(3), f | int, '5.5' | float, 'x' | float",
        "(5, 5, 0, 3, 2, 5.5, 0.0)"
    )]
    [TestCase("l | reverse | list, s | reverse", "([2, 1, 3], 'dlroW olleH')")]
    [TestCase(
        "ls | map('upper') | join, recs | map(attribute='n', default=0) | list, ls | map('replace', 'a', 'z') | list",
        "('ABC', [1, 2, 0], ['z', 'b', 'c'])"
    )]
    [TestCase(
        "recs | selectattr('role', 'equalto', 'user') | list | length, recs | rejectattr('n') | list",
        "(2, [{'role': 'user'}])"
    )]
    [TestCase(
        "[1, 2, 3] | select('odd') | list, ls | reject('equalto', 'a') | join(', '), [0, 1] | select | list",
        "([1, 3], 'b, c', [1])"
    )]
    [TestCase("'x' if el | map('upper') else 'y'", "x", Description = "a generator is always true")]
    public void Filters_are_Jinja_s(string expression, string expected) => Check(expression, expected);

    [TestCase("m | tojson", """{"a": 1, "b": [1, 2], "items": 5, "k": null}""")]
    [TestCase("{'a': [1, {}], 'b': []} | tojson(indent=2)", "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}")]
    [TestCase("[quote, u, '<>&\\x01'] | tojson", """["it's \"q\"\n", "aé漢🙂b", "<>&\u0001"]""")]
    [TestCase("{'b': 1.0, 'a': yes} | tojson(sort_keys=true, separators=(',', ':'))", """{"a":true,"b":1.0}""")]
    public void Tojson_is_json_dumps_without_ascii_escapes(string expression, string expected) =>
        Check(expression, expected);

    [TestCase(
        "s is string, n is number, yes is number, f is float, n is integer, yes is integer, yes is boolean",
        "(True, True, True, True, True, False, True)"
    )]
    [TestCase(
        "s is defined, nothing is undefined, no is none, s is not none, m is mapping, l is mapping",
        "(True, True, True, True, True, False)"
    )]
    [TestCase(
        "s is iterable, n is iterable, m is sequence, n is odd, n is divisibleby 7, n is divisibleby(2)",
        "(True, False, True, True, True, False)"
    )]
    [TestCase(
        "yes is true, 1 is true, no is false, yes is sameas true, 1 is sameas true, n is eq 7, n is in [7]",
        "(True, False, False, True, False, True, True)"
    )]
    [TestCase("range is callable, n is odd and not empty, 'a' if n is defined else 'b'", "(True, True, 'a')")]
    public void Tests_are_Jinja_s(string expression, string expected) => Check(expression, expected);

    [TestCase("range(3) | list, range(1, 4) | list, range(5, 0, -2) | list", "([0, 1, 2], [1, 2, 3], [5, 3, 1])")]
    [TestCase("dict(a=1), dict({'z': 1}, a=2)", "({'a': 1}, {'z': 1, 'a': 2})")]
    [TestCase("namespace(a=1).a, namespace({'b': 2}).b", "(1, 2)")]
    [TestCase(
        "strftime_now('%d %b %Y, %A %-d %B %y, %H:%M:%S %I %p %j %%')",
        "06 Jul 2024, Saturday 6 July 24, 15:04:05 03 PM 188 %"
    )]
    public void Global_functions_do_what_transformers_gives_them(string expression, string expected) =>
        Check(expression, expected);

    private static void Check(string expression, string expected) =>
        Assert.That(TemplateRunner.Evaluate(expression), Is.EqualTo(expected));
}
