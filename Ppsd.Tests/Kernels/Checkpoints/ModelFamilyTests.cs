using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class ModelFamilyTests
{
    [Test]
    public void A_family_says_how_its_layers_differ()
    {
        Assert.That(Layers(TestModels.Tiny3), Is.EqualTo(LayerTraits.Plain));
        Assert.That(Layers(TestModels.Qwen2), Is.EqualTo(new LayerTraits { HasQueryKeyValueBias = true }));
        Assert.That(Layers(TestModels.Qwen3), Is.EqualTo(new LayerTraits { HasHeadNorms = true }));
        Assert.That(Layers(TestModels.Mistral), Is.EqualTo(new LayerTraits { SlidingWindow = 24 }));
        Assert.That(
            Layers(TestModels.Bias),
            Is.EqualTo(
                new LayerTraits
                {
                    HasQueryKeyValueBias = true,
                    HasOutputBias = true,
                    HasFeedForwardBias = true,
                }
            )
        );
    }

    [Test]
    public void Absent_fields_mean_what_the_familys_class_means_in_transformers()
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(
            TestModels.Folder(TestModels.Qwen3),
            ("head_dim", null),
            ("num_attention_heads", "64"),
            ("num_key_value_heads", null),
            ("max_position_embeddings", null)
        );
        var config = ModelConfig.Read(folder.FullPath);
        Assert.That((config.HeadSize, config.KvHeadCount, config.MaxPositions), Is.EqualTo((128, 32, 32_768)));

        folder.WithConfigOf(TestModels.Folder(TestModels.Mistral), ("sliding_window", null));
        Assert.That(ModelConfig.Read(folder.FullPath).Layers.SlidingWindow, Is.EqualTo(4096));
        folder.WithConfigOf(TestModels.Folder(TestModels.Mistral), ("sliding_window", "null"));
        Assert.That(ModelConfig.Read(folder.FullPath).Layers.SlidingWindow, Is.Null);
    }

    [Test]
    public void The_type_finds_the_family_where_architectures_does_not()
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(TestModels.Folder(TestModels.Qwen3), ("architectures", null));
        Assert.That(ModelConfig.Read(folder.FullPath).Architecture, Is.EqualTo("Qwen3ForCausalLM"));
        folder.WithConfigOf(TestModels.Folder(TestModels.Qwen3), ("architectures", null), ("model_type", "\"mamba\""));
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.EndWith(
                "model_type: expected one of llama, mistral, qwen2, qwen3, phi3, granite, smollm3, found \"mamba\""
            )
        );
    }

    [TestCase("full_attention", null)]
    [TestCase("sliding_attention", 24)]
    public void Types_of_layers_count_where_they_agree(string type, int? window)
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(TestModels.Folder(TestModels.Mistral), ("layer_types", Types(type, 5)));
        Assert.That(ModelConfig.Read(folder.FullPath).Layers.SlidingWindow, Is.EqualTo(window));
    }

    [Test]
    public void A_window_for_some_layers_only_is_refused_by_its_field()
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(
            TestModels.Folder(TestModels.Mistral),
            ("layer_types", Types("full_attention", 4).Replace("]", ",\"sliding_attention\"]"))
        );
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.Contain(
                "layer_types: expected the same type for all 5 layers, full_attention or sliding_attention, found"
            )
        );

        folder.WithConfigOf(
            TestModels.Folder(TestModels.Qwen2),
            ("layer_types", null),
            ("use_sliding_window", "true"),
            ("sliding_window", "64"),
            ("max_window_layers", "3")
        );
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.EndWith("max_window_layers: expected 0 or at least 5 (a window for all layers or for none), found 3")
        );
    }

    [TestCase(TestModels.Qwen3)]
    [TestCase(TestModels.Yarn)]
    public void Types_of_layers_that_cannot_be_are_refused_whether_there_is_a_window_or_not(string model)
    {
        foreach (
            var types in (string[])
                [
                    Types("full_attention", 4),
                    Types("linear_attention", 5),
                    Types("full_attention", 4).Replace("]", ",\"linear_attention\"]"),
                    Types("full_attention", 4).Replace("]", ",\"sliding_attention\"]"),
                    "\"full_attention\"",
                    "[]",
                ]
        )
        {
            Assert.That(Refused(types), Does.Contain(": layer_types: expected the same type for all 5 layers"), types);
        }

        Assert.That(
            Refused(Types("sliding_attention", 5)),
            Does.Contain(": layer_types: expected full_attention for all layers (the model has no sliding window)")
        );

        string Refused(string types)
        {
            using var folder = new ConfigFolder();
            folder.WithConfigOf(TestModels.Folder(model), ("layer_types", types));
            return Refusal.Of(() => ModelConfig.Read(folder.FullPath));
        }
    }

    [Test]
    public void A_head_size_that_a_config_lacks_is_asked_for_by_its_field()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Qwen3), folder.FullPath);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(folder.File("config.json")))!.AsObject();
        var size = (int)config["head_dim"]!;
        config.Remove("head_dim");
        folder.Write("config.json", config.ToJsonString());
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.EndWith(
                $"config.json: head_dim: expected {size}, the length of tensor 'model.layers.0.self_attn.q_norm.weight', found no such field, which means 128"
            )
        );
    }

    [Test]
    public void Swish_is_another_name_for_silu()
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(TestModels.Folder(TestModels.Qwen3), ("hidden_act", "\"swish\""));
        Assert.That(() => ModelConfig.Read(folder.FullPath), Throws.Nothing);
    }

    [Test]
    public void A_checkpoint_without_an_LM_head_ties_it_whatever_the_config_says()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Qwen3), folder.FullPath);
        var config = File.ReadAllText(folder.File("config.json"));
        folder.Write("config.json", config.Replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"));
        Assert.That(ModelConfig.Read(folder.FullPath).TieWordEmbeddings, Is.True);
        Assert.That(ModelConfig.Read(TestModels.Folder(TestModels.Qwen2)).TieWordEmbeddings, Is.False);
    }

    private static string Types(string type, int count) =>
        $"[{string.Join(',', Enumerable.Repeat($"\"{type}\"", count))}]";

    private static LayerTraits Layers(string model) => ModelConfig.Read(TestModels.Folder(model)).Layers;
}
