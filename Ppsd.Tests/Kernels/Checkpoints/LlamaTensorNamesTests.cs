using Ppsd.Kernels.Checkpoints;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class LlamaTensorNamesTests
{
    [Test]
    public void A_layer_has_nine_tensors()
    {
        var names = LlamaTensorNames.Layer(17);
        string[] found =
        [
            names.InputNorm,
            names.Query,
            names.Key,
            names.Value,
            names.Output,
            names.PostAttentionNorm,
            names.Gate,
            names.Up,
            names.Down,
        ];
        string[] expected =
        [
            "model.layers.17.input_layernorm.weight",
            "model.layers.17.self_attn.q_proj.weight",
            "model.layers.17.self_attn.k_proj.weight",
            "model.layers.17.self_attn.v_proj.weight",
            "model.layers.17.self_attn.o_proj.weight",
            "model.layers.17.post_attention_layernorm.weight",
            "model.layers.17.mlp.gate_proj.weight",
            "model.layers.17.mlp.up_proj.weight",
            "model.layers.17.mlp.down_proj.weight",
        ];

        Assert.That(found, Is.EqualTo(expected));
    }

    [Test]
    public void A_heads_layer_has_the_same_tensors_under_its_own_prefix()
    {
        Assert.That(ExitHeadTensorNames.Layer(0).Down, Is.EqualTo("layers.0.mlp.down_proj.weight"));
    }

    [Test]
    public void Tied_models_use_the_embedding_as_lm_head()
    {
        Assert.That(LlamaTensorNames.LmHead(tieWordEmbeddings: true), Is.EqualTo("model.embed_tokens.weight"));
        Assert.That(LlamaTensorNames.LmHead(tieWordEmbeddings: false), Is.EqualTo("lm_head.weight"));
    }

    [Test]
    public void Layers_count_from_zero()
    {
        Assert.That(() => LlamaTensorNames.Layer(-1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ExitHeadTensorNames.Layer(-1), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
