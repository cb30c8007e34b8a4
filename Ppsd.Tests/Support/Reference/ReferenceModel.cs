using System.Text.Json.Nodes;
using Ppsd.Kernels.Checkpoints;

namespace Ppsd.Tests.Support.Reference;

/// <summary>
/// A decoder in double precision, as plain as its formulas, for families that no golden results of another implementation
/// cover. It shares nothing with the product but the reading of tensors: fields, names and defaults are read here again. It
/// follows the published definitions: LLaMA (Touvron et al. 2023), RoFormer (Su et al. 2021), LongRoPE (Ding et al. 2024),
/// and for Phi 3, Granite and SmolLM 3 what transformers' classes of these names compute. <c>ReferenceModelTests</c> hold it
/// to transformers' results for families that have them.
/// </summary>
internal sealed class ReferenceModel
{
    private readonly JsonObject _config;
    private readonly Dictionary<string, double[]> _tensors = [];
    private readonly double[] _frequencies;
    private readonly double _rotationFactor;
    private readonly List<double[]>[] _keys;
    private readonly List<double[]>[] _values;
    private readonly int _hidden;
    private readonly int _heads;
    private readonly int _kvHeads;
    private readonly int _headSize;

    public ReferenceModel(string folder)
    {
        _config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        using (var checkpoint = Checkpoint.Open(folder))
        {
            foreach (var name in checkpoint.TensorNames)
            {
                var tensor = checkpoint.Require(name);
                var values = new float[tensor.ElementCount];
                tensor.ReadRows(0, (int)tensor.RowCount, values);
                _tensors[name] = [.. values.Select(value => (double)value)];
            }
        }

        Layers = (int)Number("num_hidden_layers");
        _hidden = (int)Number("hidden_size");
        _heads = (int)Number("num_attention_heads");
        _kvHeads = (int)Number("num_key_value_heads");
        _headSize = (int)Number("head_dim", (double)_hidden / _heads);
        (_frequencies, _rotationFactor) = Rotation();
        _keys = [.. Enumerable.Range(0, Layers).Select(_ => new List<double[]>())];
        _values = [.. Enumerable.Range(0, Layers).Select(_ => new List<double[]>())];
    }

    /// <summary>Layers of the model.</summary>
    public int Layers { get; }

    /// <summary>Forgets all tokens.</summary>
    public void Clear() => Array.ForEach([.. _keys, .. _values], rows => rows.Clear());

    /// <summary>Takes the next token; returns the hidden state after the embedding and after each layer.</summary>
    public double[][] Feed(int token)
    {
        var states = new double[Layers + 1][];
        var table = _tensors["model.embed_tokens.weight"];
        var hidden = table[(token * _hidden)..((token + 1) * _hidden)];
        hidden = Scaled(hidden, Number("embedding_multiplier", 1));
        states[0] = hidden;
        for (var layer = 0; layer < Layers; layer++)
        {
            var by = Number("residual_multiplier", 1);
            var name = $"model.layers.{layer}.";
            hidden = Sum(hidden, Scaled(Attention(layer, Norm(hidden, name + "input_layernorm.weight")), by));
            hidden = Sum(
                hidden,
                Scaled(FeedForward(name + "mlp.", Norm(hidden, name + "post_attention_layernorm.weight")), by)
            );
            states[layer + 1] = hidden;
        }

        return states;
    }

    /// <summary>Logits of the token after a hidden state of the last layer.</summary>
    public double[] Logits(double[] hidden)
    {
        var head = _tensors.ContainsKey("lm_head.weight") ? "lm_head" : "model.embed_tokens";
        return Scaled(Product(head, Norm(hidden, "model.norm.weight")), 1 / Number("logits_scaling", 1));
    }

    private double[] Attention(int layer, double[] x)
    {
        var name = $"model.layers.{layer}.self_attn.";
        var (queryWidth, kvWidth) = (_heads * _headSize, _kvHeads * _headSize);
        double[] query,
            key,
            value;
        if (_tensors.ContainsKey(name + "qkv_proj.weight"))
        {
            var all = Product(name + "qkv_proj", x);
            query = all[..queryWidth];
            key = all[queryWidth..(queryWidth + kvWidth)];
            value = all[(queryWidth + kvWidth)..];
        }
        else
        {
            query = Product(name + "q_proj", x);
            key = Product(name + "k_proj", x);
            value = Product(name + "v_proj", x);
        }

        var position = _keys[layer].Count;
        var rotates = Flag(layer);
        query = PerHead(query, name + "q_norm.weight", position, rotates);
        key = PerHead(key, name + "k_norm.weight", position, rotates);
        _keys[layer].Add(key);
        _values[layer].Add(value);

        var factor = Number("attention_multiplier", 1 / Math.Sqrt(_headSize));
        var window = Window();
        var first = Math.Max(0, position + 1 - window);
        var output = new double[queryWidth];
        for (var head = 0; head < _heads; head++)
        {
            var (at, kvAt) = (head * _headSize, head / (_heads / _kvHeads) * _headSize);
            var scores = Enumerable
                .Range(first, position + 1 - first)
                .Select(j => factor * Dot(query, at, _keys[layer][j], kvAt, _headSize))
                .ToArray();
            var largest = scores.Max();
            var weights = scores.Select(score => Math.Exp(score - largest)).ToArray();
            var total = weights.Sum();
            for (var j = 0; j < weights.Length; j++)
            {
                for (var i = 0; i < _headSize; i++)
                {
                    output[at + i] += weights[j] / total * _values[layer][first + j][kvAt + i];
                }
            }
        }

        return Product(name + "o_proj", output);
    }

    private double[] FeedForward(string name, double[] x)
    {
        double[] gate,
            up;
        if (_tensors.ContainsKey(name + "gate_up_proj.weight"))
        {
            var both = Product(name + "gate_up_proj", x);
            (gate, up) = (both[..(both.Length / 2)], both[(both.Length / 2)..]);
        }
        else
        {
            (gate, up) = (Product(name + "gate_proj", x), Product(name + "up_proj", x));
        }

        return Product(name + "down_proj", [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
    }

    /// <summary>Norms every head if there is a weight for it, then turns its first pairs.</summary>
    private double[] PerHead(double[] row, string norm, int position, bool rotates)
    {
        var result = new List<double>();
        foreach (var part in row.Chunk(_headSize))
        {
            var head = _tensors.ContainsKey(norm) ? Norm(part, norm) : part;
            result.AddRange(rotates ? Rotated(head, position) : head);
        }

        return [.. result];
    }

    private double[] Rotated(double[] head, int position)
    {
        var half = _frequencies.Length;
        double[] result = [.. head];
        for (var i = 0; i < half; i++)
        {
            var (cosine, sine) = (
                Math.Cos(position * _frequencies[i]) * _rotationFactor,
                Math.Sin(position * _frequencies[i]) * _rotationFactor
            );
            result[i] = (head[i] * cosine) - (head[i + half] * sine);
            result[i + half] = (head[i + half] * cosine) + (head[i] * sine);
        }

        return result;
    }

    /// <summary>Radians a position of each pair, in the checkpoint's bf16 as the goldens have them, and the factor of cosines.</summary>
    private (double[] Frequencies, double Factor) Rotation()
    {
        var rope = (_config["rope_parameters"] ?? _config["rope_scaling"]) as JsonObject;
        var theta = (double?)rope?["rope_theta"] ?? Number("rope_theta", 10_000);
        var share = (double?)rope?["partial_rotary_factor"] ?? Number("partial_rotary_factor", 1);
        var size = (int)(_headSize * share);
        var divisors = Enumerable.Repeat(1.0, size / 2).ToArray();
        var factor = 1.0;
        switch ((string?)rope?["rope_type"] ?? "default")
        {
            case "default":
                break;
            case "longrope":
                // Within the original context only: what lies beyond depends on how a sequence came in.
                divisors = [.. rope!["short_factor"]!.AsArray().Select(value => (double)value!)];
                var original = Number("original_max_position_embeddings");
                var growth = Number("max_position_embeddings") / original;
                factor = Math.Sqrt(1 + (Math.Log(growth) / Math.Log(original)));
                break;
            default:
                throw new NotSupportedException(rope!.ToJsonString());
        }

        var frequencies = divisors.Select((divisor, i) => Math.Pow(theta, -2.0 * i / size) / divisor);
        return ([.. frequencies.Select(RoundedToBFloat16)], factor);
    }

    private static double RoundedToBFloat16(double value)
    {
        var single = (float)value;
        var unit = Math.Pow(2, Math.ILogB(single) - 7);
        return Math.Round(single / unit, MidpointRounding.ToEven) * unit;
    }

    private bool Flag(int layer) => _config["no_rope_layers"] is not JsonArray flags || (int)flags[layer]! == 1;

    private int Window() =>
        _config["sliding_window"] is JsonValue window && (bool?)_config["use_sliding_window"] != false
            ? (int)window
            : int.MaxValue;

    private double[] Norm(double[] x, string weight)
    {
        var scale = 1 / Math.Sqrt((x.Sum(value => value * value) / x.Length) + Number("rms_norm_eps"));
        return [.. x.Zip(_tensors[weight], (value, by) => value * scale * by)];
    }

    private double[] Product(string name, double[] x)
    {
        var weight = _tensors[name + ".weight"];
        var result = new double[weight.Length / x.Length];
        for (var row = 0; row < result.Length; row++)
        {
            result[row] = Dot(weight, row * x.Length, x, 0, x.Length);
        }

        return _tensors.TryGetValue(name + ".bias", out var bias) ? Sum(result, bias) : result;
    }

    private static double Dot(double[] a, int atA, double[] b, int atB, int count)
    {
        var sum = 0.0;
        for (var i = 0; i < count; i++)
        {
            sum += a[atA + i] * b[atB + i];
        }

        return sum;
    }

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double[] Scaled(double[] x, double by) => [.. x.Select(value => value * by)];

    private double Number(string field, double? otherwise = null) =>
        _config[field] is JsonValue value
            ? (double)value
            : otherwise ?? throw new ArgumentException($"no {field}", nameof(field));
}
