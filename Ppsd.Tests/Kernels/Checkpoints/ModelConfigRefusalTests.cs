using FsCheck;
using FsCheck.Fluent;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class ModelConfigRefusalTests
{
    private const string Families =
        "expected one of LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, "
        + "Phi3ForCausalLM, GraniteForCausalLM, SmolLM3ForCausalLM";

    private const string Positive = "expected an integer from 1 to 2147483647, found";

    [TestCase("architectures", """["MambaForCausalLM"]""", $"{Families}, found [\"MambaForCausalLM\"]")]
    [TestCase("architectures", "[]", $"{Families}, found []")]
    [TestCase("architectures", "\"LlamaForCausalLM\"", $"{Families}, found \"LlamaForCausalLM\"")]
    [TestCase("architectures", "[3]", $"{Families}, found [3]")]
    [TestCase("model_type", "\"mistral\"", "expected llama, found \"mistral\"")]
    [TestCase("model_type", "7", "expected text, found 7")]
    [TestCase("hidden_act", "\"gelu\"", "expected silu, found \"gelu\"")]
    [TestCase("mlp_bias", "1", "expected true or false, found 1")]
    [TestCase(
        "quantization_config",
        """{"quant_method":"awq"}""",
        """expected no such field (quantized weights are not supported), found {"quant_method":"awq"}"""
    )]
    [TestCase("hidden_size", null, Positive + " no such field")]
    [TestCase("hidden_size", "0", Positive + " 0")]
    [TestCase("hidden_size", "-256", Positive + " -256")]
    [TestCase("hidden_size", "256.5", Positive + " 256.5")]
    [TestCase("hidden_size", "2147483648", Positive + " 2147483648")]
    [TestCase("hidden_size", "\"256\"", Positive + " \"256\"")]
    [TestCase("hidden_size", "null", Positive + " null")]
    [TestCase("intermediate_size", "0", Positive + " 0")]
    [TestCase("intermediate_size", null, Positive + " no such field")]
    [TestCase("num_hidden_layers", "0", Positive + " 0")]
    [TestCase("num_hidden_layers", null, Positive + " no such field")]
    [TestCase("num_attention_heads", "-4", Positive + " -4")]
    [TestCase("num_attention_heads", null, Positive + " no such field")]
    [TestCase("vocab_size", "0", Positive + " 0")]
    [TestCase("vocab_size", null, Positive + " no such field")]
    [TestCase("max_position_embeddings", "0", Positive + " 0")]
    [TestCase("num_key_value_heads", "0", Positive + " 0")]
    [TestCase("num_key_value_heads", "3", "expected a divisor of num_attention_heads (4), found 3")]
    [TestCase("num_key_value_heads", "8", "expected a divisor of num_attention_heads (4), found 8")]
    [TestCase("head_dim", "63", "expected an even number, found 63")]
    [TestCase("head_dim", "0", Positive + " 0")]
    [TestCase("head_dim", "2147483646", "expected at most 536870911 for 4 heads, found 2147483646")]
    [TestCase("rms_norm_eps", "0", "expected a number above 0 in single precision, found 0")]
    [TestCase("rms_norm_eps", "1e-60", "expected a number above 0 in single precision, found 1e-60")]
    [TestCase("rms_norm_eps", "1e60", "expected a number above 0 in single precision, found 1e60")]
    [TestCase("tie_word_embeddings", "\"yes\"", "expected true or false, found \"yes\"")]
    [TestCase("bos_token_id", "-1", "expected an integer from 0 to 2147483647, found -1")]
    [TestCase("eos_token_id", "[2,-1]", "expected an integer from 0 to 2147483647, found [2,-1]")]
    [TestCase("eos_token_id", "\"</s>\"", "expected an integer from 0 to 2147483647, found ")]
    [TestCase("dtype", "\"float8_e4m3fn\"", "expected bfloat16, float16 or float32, found \"float8_e4m3fn\"")]
    [TestCase("dtype", "16", "expected bfloat16, float16 or float32, found 16")]
    public void A_field_is_refused_by_name(string field, string? json, string expected)
    {
        using var folder = Gsm((field, json));

        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.StartWith($"{folder.ConfigPath}: {field}: {expected.TrimEnd()}")
        );
    }

    [Test]
    public void The_old_name_of_the_type_is_the_one_refused()
    {
        using var folder = Gsm(("dtype", null), ("torch_dtype", "\"int8\""));

        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Is.EqualTo($"{folder.ConfigPath}: torch_dtype: expected bfloat16, float16 or float32, found \"int8\"")
        );
    }

    [Test]
    public void Neither_architecture_nor_model_type_is_refused()
    {
        using var folder = Gsm(("architectures", null), ("model_type", null));

        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Is.EqualTo(
                $"{folder.ConfigPath}: model_type: expected one of llama, mistral, qwen2, qwen3, phi3, granite, smollm3, found no such field"
            )
        );
    }

    [Test]
    public void An_exit_head_is_no_model()
    {
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(ModelFolders.GsmLlamaExit4)),
            Does.EndWith(
                "config.json: model_type: expected one of llama, mistral, qwen2, qwen3, phi3, granite, smollm3, found \"ppsd_exit_head\""
            )
        );
    }

    [Test]
    public void A_head_size_that_follows_from_others_is_explained()
    {
        using var uneven = Gsm(("head_dim", null), ("hidden_size", "250"));
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(uneven.FullPath)),
            Does.EndWith(
                "hidden_size: expected a multiple of num_attention_heads (4), or head_dim to be set, found 250"
            )
        );

        using var odd = Gsm(("head_dim", null), ("hidden_size", "252"));
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(odd.FullPath)),
            Does.EndWith("head_dim: expected an even number, found 63 (hidden_size / num_attention_heads)")
        );
    }

    [Test]
    public void A_missing_file_is_refused()
    {
        using var folder = new ConfigFolder();

        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Is.EqualTo($"{folder.ConfigPath}: expected a JSON file, found no such file")
        );
    }

    [TestCase("{\n  \"hidden_size\": 256,\n}", "expected JSON, found an error at line 3, position 1: ")]
    [TestCase("", "expected JSON, found an error at line 1, position 1: ")]
    [TestCase("[]", "expected a JSON object, found []")]
    [TestCase("{\"model_type\": nil}", "expected JSON, found an error at line 1, position 17: ")]
    [TestCase("\"llama\"", "expected a JSON object, found \"llama\"")]
    public void Bad_json_is_refused_with_its_place(string json, string expected)
    {
        using var folder = new ConfigFolder().WithConfig(json);

        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.StartWith($"{folder.ConfigPath}: file: {expected}")
        );
    }

    [Test]
    public void Text_that_is_no_unicode_is_refused()
    {
        using var folder = new ConfigFolder();
        File.WriteAllBytes(folder.ConfigPath, [.. "{\"model_type\": \""u8, 0xc2, .. "\"}"u8]);
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Is.EqualTo($"{folder.ConfigPath}: file: expected valid UTF-8 text, found other bytes")
        );

        // Half of a surrogate pair: in a value, in a list, and in a name that begins like one asked for.
        folder.WithConfig("""{"model_type": "\ud800"}""");
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.StartWith($"{folder.ConfigPath}: model_type: expected valid UTF-8 text, found ")
        );

        folder.WithConfig("""{"architectures": ["\ud800"]}""");
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.StartWith($"{folder.ConfigPath}: architectures: expected valid UTF-8 text, found ")
        );

        folder.WithConfig("""{"model\ud800 xx": 1}""");
        Assert.That(() => ModelConfig.Read(folder.FullPath), Throws.TypeOf<CheckpointException>());
    }

    [Test]
    public void Damaged_configs_are_refused_or_still_consistent()
    {
        var sound = File.ReadAllBytes(Path.Combine(ModelFolders.TinyLlama3, "config.json"));
        var change = Gen.Zip(Gen.Choose(0, sound.Length - 1), Gen.Choose(0, 255));
        var changes = Gen.Choose(1, 4).SelectMany(count => Gen.ArrayOf(change, count));
        using var folder = new ConfigFolder();
        var refused = 0;
        Prop.ForAll(
                changes.ToArbitrary(),
                list =>
                {
                    var json = sound.ToArray();
                    foreach (var (position, value) in list)
                    {
                        json[position] = (byte)value;
                    }

                    File.WriteAllBytes(folder.ConfigPath, json);
                    try
                    {
                        var config = ModelConfig.Read(folder.FullPath);
                        return config.HeadCount % config.KvHeadCount == 0 && config.HeadSize % 2 == 0;
                    }
                    catch (CheckpointException refusal)
                    {
                        refused++;
                        return !refusal.Message.Any(char.IsControl);
                    }
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithReplay(19368, 77));

        Assert.That(refused, Is.InRange(200, 999));
    }

    private static ConfigFolder Gsm(params (string Name, string? Json)[] changes) =>
        new ConfigFolder().WithConfigOf(ModelFolders.GsmLlama, changes);
}
