using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class ModelConfigTests
{
    [Test]
    public void The_style_of_transformers_4_is_read()
    {
        var config = ModelConfig.Read(ModelFolders.TinyLlama);

        Assert.That(config.Architecture, Is.EqualTo("LlamaForCausalLM"));
        Assert.That((config.HiddenSize, config.IntermediateSize), Is.EqualTo((64, 176)));
        Assert.That(config.LayerCount, Is.EqualTo(6));
        Assert.That((config.HeadCount, config.KvHeadCount, config.HeadSize), Is.EqualTo((4, 4, 16)));
        Assert.That((config.VocabSize, config.MaxPositions), Is.EqualTo((4096, 512)));
        Assert.That(config.RmsNormEpsilon, Is.EqualTo(1e-6f));
        Assert.That(config.TieWordEmbeddings, Is.False);
        Assert.That(config.Rope, Is.EqualTo(new RopeParameters(RopeKind.Default, 10_000)));
        Assert.That(config.BosTokenId, Is.EqualTo(1));
        Assert.That(config.EosTokenIds, Is.EqualTo([2]));
        Assert.That(config.ElementType, Is.EqualTo(ElementType.BFloat16));
    }

    [Test]
    public void The_style_of_transformers_5_is_read()
    {
        var config = ModelConfig.Read(ModelFolders.TinyLlama3);

        Assert.That((config.HiddenSize, config.IntermediateSize), Is.EqualTo((64, 160)));
        Assert.That(config.LayerCount, Is.EqualTo(5));
        Assert.That((config.HeadCount, config.KvHeadCount, config.HeadSize), Is.EqualTo((4, 2, 16)));
        Assert.That((config.QuerySize, config.KvSize), Is.EqualTo((64, 32)));
        Assert.That((config.VocabSize, config.MaxPositions), Is.EqualTo((2047, 1024)));
        Assert.That(config.RmsNormEpsilon, Is.EqualTo(1e-5f));
        Assert.That(config.TieWordEmbeddings, Is.True);
        Assert.That(config.Rope, Is.EqualTo(new RopeParameters(RopeKind.Llama3, 500_000, 8, 1, 4, 128)));
        Assert.That(config.EosTokenIds, Is.EqualTo([2046, 2043]));
        Assert.That(config.ElementType, Is.EqualTo(ElementType.BFloat16));
    }

    [Test]
    public void A_head_size_need_not_be_hidden_by_heads()
    {
        using var folder = Gsm(("head_dim", "32"));
        var config = ModelConfig.Read(folder.FullPath);

        Assert.That((config.HeadSize, config.QuerySize, config.KvSize), Is.EqualTo((32, 128, 64)));
    }

    [Test]
    public void What_is_absent_or_null_takes_the_value_of_transformers()
    {
        foreach (var value in new[] { null, "null" })
        {
            using var folder = Gsm(
                ("head_dim", value),
                ("num_key_value_heads", value),
                ("max_position_embeddings", value),
                ("rms_norm_eps", value),
                ("tie_word_embeddings", value),
                ("rope_parameters", value),
                ("bos_token_id", value),
                ("eos_token_id", value),
                ("dtype", value),
                ("hidden_act", value),
                ("attention_bias", value),
                ("mlp_bias", value),
                ("quantization_config", value)
            );
            var config = ModelConfig.Read(folder.FullPath);

            Assert.That((config.KvHeadCount, config.HeadSize), Is.EqualTo((4, 64)));
            Assert.That(config.MaxPositions, Is.EqualTo(2048));
            Assert.That(config.RmsNormEpsilon, Is.EqualTo(1e-6f));
            Assert.That(config.TieWordEmbeddings, Is.False);
            Assert.That(config.Rope, Is.EqualTo(new RopeParameters(RopeKind.Default, 10_000)));
            Assert.That(config.BosTokenId, Is.Null);
            Assert.That(config.EosTokenIds, Is.Empty);
            Assert.That(config.ElementType, Is.EqualTo(ElementType.Float32));
        }
    }

    [TestCase("architectures")]
    [TestCase("model_type")]
    public void Either_architecture_or_model_type_is_enough(string absent)
    {
        using var folder = Gsm((absent, null));

        Assert.That(ModelConfig.Read(folder.FullPath).Architecture, Is.EqualTo("LlamaForCausalLM"));
    }

    [TestCase("dtype", "float16", ElementType.Float16)]
    [TestCase("dtype", "float32", ElementType.Float32)]
    [TestCase("torch_dtype", "bfloat16", ElementType.BFloat16)]
    public void Both_names_of_the_type_are_read(string field, string value, ElementType expected)
    {
        using var folder = Gsm(("dtype", null), (field, $"\"{value}\""));

        Assert.That(ModelConfig.Read(folder.FullPath).ElementType, Is.EqualTo(expected));
    }

    [Test]
    public void Fields_that_do_not_matter_are_ignored()
    {
        using var folder = Gsm(("anything", """{"at": ["all", 1e400]}"""), ("pretraining_tp", "2"));

        Assert.That(() => ModelConfig.Read(folder.FullPath), Throws.Nothing);
    }

    [Test]
    public void A_byte_order_mark_is_skipped()
    {
        using var folder = new ConfigFolder();
        folder.WithConfig('\ufeff' + File.ReadAllText(Path.Combine(ModelFolders.GsmLlama, "config.json")));

        Assert.That(ModelConfig.Read(folder.FullPath).LayerCount, Is.EqualTo(16));
    }

    private static ConfigFolder Gsm(params (string Name, string? Json)[] changes) =>
        new ConfigFolder().WithConfigOf(ModelFolders.GsmLlama, changes);
}
