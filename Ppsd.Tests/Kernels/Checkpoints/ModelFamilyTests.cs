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

    [TestCase("""["full_attention","full_attention"]""", null)]
    [TestCase("""["sliding_attention","sliding_attention"]""", 24)]
    public void Types_of_layers_count_where_they_agree(string types, int? window)
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(TestModels.Folder(TestModels.Mistral), ("layer_types", types));
        Assert.That(ModelConfig.Read(folder.FullPath).Layers.SlidingWindow, Is.EqualTo(window));
    }

    [Test]
    public void A_window_for_some_layers_only_is_refused_by_its_field()
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(
            TestModels.Folder(TestModels.Mistral),
            ("layer_types", """["full_attention","sliding_attention"]""")
        );
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.Contain(
                "layer_types: expected the same type for all layers, full_attention or sliding_attention, found"
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

    private static LayerTraits Layers(string model) => ModelConfig.Read(TestModels.Folder(model)).Layers;
}
