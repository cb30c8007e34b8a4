using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Tests.Support.Reference;

/// <summary>
/// Small models of families for which there are no files of another implementation: folders with keyed weights, written
/// when a test first asks for one. What they compute is <see cref="ReferenceModel"/>'s to say.
/// </summary>
internal static class MadeModels
{
    public const string Phi3 = "made-phi3";
    public const string Phi4 = "made-phi4-mini";
    public const string Granite = "made-granite";
    public const string SmolLm3 = "made-smollm3";

    private const int HiddenSize = 64;
    private const int InnerSize = 160;
    private const int HeadSize = 16;
    private const int VocabSize = 2047;
    private const int LayerCount = 4;

    // The models that people have: Phi-3-mini-4k, Phi-4-mini, Granite 3, SmolLM3-3B, but for sizes.
    private static readonly Dictionary<string, string> _configs = new()
    {
        [Phi3] = """
            { "architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "num_key_value_heads": 4, "sliding_window": 23,
              "rope_theta": 10000.0, "rope_scaling": null, "original_max_position_embeddings": 512, "rms_norm_eps": 1e-05,
              "attention_bias": false, "tie_word_embeddings": false }
            """,
        [Phi4] = """
            { "architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "num_key_value_heads": 2, "sliding_window": null,
              "partial_rotary_factor": 0.75, "rope_theta": 10000.0, "original_max_position_embeddings": 256,
              "rope_scaling": { "type": "longrope", "rope_type": "longrope",
                "short_factor": [1.0, 1.1, 1.3, 1.6, 2.0, 2.5], "long_factor": [1.0, 1.5, 2.0, 4.0, 8.0, 16.0] },
              "rms_norm_eps": 1e-05, "attention_bias": false, "tie_word_embeddings": true }
            """,
        [Granite] = """
            { "architectures": ["GraniteForCausalLM"], "model_type": "granite", "num_key_value_heads": 2,
              "embedding_multiplier": 6.0, "residual_multiplier": 0.22, "attention_multiplier": 0.15625,
              "logits_scaling": 3.0, "rope_theta": 10000.0, "rope_scaling": null, "rms_norm_eps": 1e-05,
              "attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true }
            """,
        [SmolLm3] = """
            { "architectures": ["SmolLM3ForCausalLM"], "model_type": "smollm3", "num_key_value_heads": 1,
              "num_hidden_layers": 6, "no_rope_layers": [1, 1, 1, 0, 1, 1], "no_rope_layer_interval": 4, "use_sliding_window": false,
              "sliding_window": null, "rope_theta": 5000000.0, "rope_scaling": null, "rms_norm_eps": 1e-06,
              "attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true }
            """,
    };

    private static readonly ConcurrentDictionary<string, Lazy<string>> _folders = new();
    private static readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<Golden>>> _goldens = new();

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [Phi3, Phi4, Granite, SmolLm3];

    /// <summary>What llama.cpp computed of one: prompts, and logits after each. Data/README.md says how.</summary>
    public static string LlamaCppGolden(string name) =>
        Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "goldens", $"{name}.llama-cpp.safetensors");

    /// <summary>The folder of one.</summary>
    public static string Folder(string name) =>
        _folders
            .GetOrAdd(
                name,
                new Lazy<string>(() =>
                {
                    var folder = Path.Combine(TestContext.CurrentContext.TestDirectory, "made-models", name);
                    Write(name, folder);
                    return folder;
                })
            )
            .Value;

    /// <summary>What the reference computes of one, for the prompts of another model with the same tokens.</summary>
    public static IReadOnlyList<Golden> Goldens(string name) =>
        _goldens.GetOrAdd(name, new Lazy<IReadOnlyList<Golden>>(() => ReferenceGoldens.Compute(Folder(name)))).Value;

    /// <summary>Writes one, with the tokenizer of the family tests.</summary>
    public static void Write(string name, string folder)
    {
        Directory.CreateDirectory(folder);
        var config = JsonNode.Parse(_configs[name])!.AsObject();
        config["hidden_size"] = HiddenSize;
        config["intermediate_size"] = InnerSize;
        config["num_hidden_layers"] ??= LayerCount;
        config["num_attention_heads"] = HiddenSize / HeadSize;
        config["vocab_size"] = VocabSize;
        config["max_position_embeddings"] = 512;
        config["hidden_act"] = "silu";
        config["bos_token_id"] = 2042;
        config["eos_token_id"] = 2046;
        config["torch_dtype"] = "bfloat16";
        Weights(config).Write(Path.Combine(folder, "model.safetensors"));
        foreach (var file in (string[])["tokenizer.json", "tokenizer_config.json", "generation_config.json"])
        {
            File.Copy(Path.Combine(TestModels.Folder(TestModels.Qwen3), file), Path.Combine(folder, file), true);
        }

        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
    }

    private static SafetensorsWriter Weights(JsonObject config)
    {
        var writer = new SafetensorsWriter().WithMetadata("format", "pt");
        var seed = 1;
        var kv = (int)config["num_key_value_heads"]! * HeadSize;
        var isTied = (bool)config["tie_word_embeddings"]!;
        var layers = (int)config["num_hidden_layers"]!;
        Matrix("model.embed_tokens.weight", VocabSize, HiddenSize, isTied ? 0.5f : 1);
        Vector("model.norm.weight");
        if (!isTied)
        {
            Matrix("lm_head.weight", VocabSize, HiddenSize, 0.4f);
        }

        for (var layer = 0; layer < layers; layer++)
        {
            var name = $"model.layers.{layer}.";
            Vector(name + "input_layernorm.weight");
            Vector(name + "post_attention_layernorm.weight");
            Matrix(name + "self_attn.o_proj.weight", HiddenSize, HiddenSize, 0.2f);
            Matrix(name + "mlp.down_proj.weight", HiddenSize, InnerSize, 0.1f);
            if ((string?)config["model_type"] == "phi3")
            {
                Matrix(name + "self_attn.qkv_proj.weight", HiddenSize + (2 * kv), HiddenSize, 0.2f);
                Matrix(name + "mlp.gate_up_proj.weight", 2 * InnerSize, HiddenSize, 0.2f);
                continue;
            }

            Matrix(name + "self_attn.q_proj.weight", HiddenSize, HiddenSize, 0.2f);
            Matrix(name + "self_attn.k_proj.weight", kv, HiddenSize, 0.2f);
            Matrix(name + "self_attn.v_proj.weight", kv, HiddenSize, 0.2f);
            Matrix(name + "mlp.gate_proj.weight", InnerSize, HiddenSize, 0.2f);
            Matrix(name + "mlp.up_proj.weight", InnerSize, HiddenSize, 0.2f);
        }

        return writer;

        void Matrix(string name, int rows, int columns, float deviation) =>
            writer.Add(
                name,
                ElementType.BFloat16,
                [rows, columns],
                TestValues.BFloat16(rows * columns, seed++, deviation)
            );

        // Around 1, as trained ones are.
        void Vector(string name) =>
            writer.Add(
                name,
                ElementType.BFloat16,
                [HiddenSize],
                [.. TestValues.Normal(HiddenSize, seed++, 0.2f).Select(value => 1 + value)]
            );
    }
}
