using System.Text;

namespace Ppsd.Tests.Host.Api;

/// <summary>Bodies no client should send, drawn from a seed: cut short, of wrong types, deeply nested, not UTF-8.</summary>
internal sealed class MalformedBodies(int seed)
{
    private static readonly string[] _fields =
    [
        "model",
        "messages",
        "prompt",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "seed",
        "n",
        "logprobs",
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "repetition_penalty",
        "ignore_eos",
        "stream",
        "stream_options",
        "speculation",
        "drafts",
        "tools",
        "response_format",
        "logit_bias",
        "role",
        "content",
        "\\u0000",
        "\\ud800",
        "",
        "tokens",
    ];

    private static readonly string[] _values =
    [
        "null",
        "true",
        "-1",
        "0",
        "1e999",
        "-1e-999",
        "99999999999999999999999999",
        "0.1e",
        "NaN",
        "\"\"",
        "\"x\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"\\x\"",
        "[]",
        "{}",
        "[[]]",
        "[null]",
        "{\"a\":{\"b\":[1,{}]}}",
        "[1,2,3]",
        "[\"USER\",1]",
        "[{\"role\":\"user\",\"content\":null}]",
        "[{\"role\":\"user\"}]",
        "2147483648",
        "1.5",
    ];

    private const string Chat =
        """{"model":"gsm-llama","messages":[{"role":"user","content":"How many legs?"}],"max_tokens":2,"temperature":0.5,"stop":["x"],"seed":3}""";

    private const string Completion = """{"prompt":"USER: How many legs? ASSISTANT:","max_tokens":2,"logprobs":1}""";

#pragma warning disable RS0030 // A seeded generator is what the rule against unseeded ones asks for.
    private readonly Random _random = new(seed);
#pragma warning restore RS0030

    /// <summary>The next body. Most are refused; one that happens to be a request is served.</summary>
    public byte[] Next() =>
        _random.Next(8) switch
        {
            0 => Truncated(),
            1 => Flipped(),
            2 => Bytes(_random.Next(200)),
            3 => Nested(),
            4 => Encoding.UTF8.GetBytes(Value(3)),
            5 => Encoding.UTF8.GetBytes($"{{\"prompt\":{Long()}}}"),
            _ => Replaced(),
        };

    private byte[] Truncated()
    {
        var whole = Encoding.UTF8.GetBytes(Whole());
        return whole[.._random.Next(whole.Length)];
    }

    /// <summary>Bytes changed at random, often into no UTF-8.</summary>
    private byte[] Flipped()
    {
        var whole = Encoding.UTF8.GetBytes(Whole());
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            whole[_random.Next(whole.Length)] = (byte)_random.Next(256);
        }

        return whole;
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private byte[] Nested()
    {
        var depth = _random.Next(1, 20_000);
        var (open, close) = _random.Next(2) == 0 ? ("[", "]") : ("{\"messages\":", "}");
        var text = new StringBuilder();
        text.Insert(0, open, depth).Append('1');
        return Encoding.UTF8.GetBytes(
            _random.Next(2) == 0 ? $"{text}" : text.Insert(text.Length, close, depth).ToString()
        );
    }

    /// <summary>A whole request with a field too many, twice, or of a wrong value.</summary>
    private byte[] Replaced()
    {
        var whole = Whole();
        var fields = string.Join(
            ',',
            Enumerable.Range(0, _random.Next(1, 4)).Select(_ => $"\"{Pick(_fields)}\":{Value(2)}")
        );
        return Encoding.UTF8.GetBytes($"{{{fields},{whole[1..]}");
    }

    private string Value(int depth) =>
        depth == 0 || _random.Next(3) > 0 ? Pick(_values)
        : _random.Next(2) == 0 ? $"[{Value(depth - 1)},{Value(depth - 1)}]"
        : $"{{\"{Pick(_fields)}\":{Value(depth - 1)},\"{Pick(_fields)}\":{Value(depth - 1)}}}";

    private string Long() =>
        _random.Next(2) == 0
            ? $"\"{new string((char)('a' + _random.Next(26)), _random.Next(1, 300_000))}\""
            : $"[{string.Join(',', Enumerable.Repeat(_random.Next(-5, 5000), _random.Next(1, 20_000)))}]";

    private string Whole() => _random.Next(2) == 0 ? Chat : Completion;

    private string Pick(string[] from) => from[_random.Next(from.Length)];
}
