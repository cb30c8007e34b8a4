using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Kernels.Checkpoints;

/// <summary>Fields that Phi 3, Granite and SmolLM 3 have and a LLaMA lacks.</summary>
public sealed class FamilyFieldTests
{
    [Test]
    public void Phi_3_rotates_a_part_of_a_head_and_calls_longrope_by_old_names()
    {
        var config = Read(MadeModels.Phi4);
        Assert.That((config.Rope.Kind, config.Rope.RotatedSize), Is.EqualTo((RopeKind.LongRope, 12)));
        Assert.That(config.Rope.AttentionFactor, Is.EqualTo(Math.Sqrt(1 + (Math.Log(2) / Math.Log(256)))));
        foreach (var name in (string[])["su", "yarn"])
        {
            var old = Read(MadeModels.Phi4, ("rope_scaling.type", $"\"{name}\""), ("rope_scaling.rope_type", null));
            Assert.That(old.Rope.Kind, Is.EqualTo(RopeKind.LongRope), name);
        }

        Assert.That(
            Read(MadeModels.Phi4, ("partial_rotary_factor", "1.0"), ("rope_scaling", null)).Rope.RotatedSize,
            Is.Null
        );
    }

    [Test]
    public void SmolLM_3_says_which_layers_rotate_or_how_often_one_does_not()
    {
        Assert.That(Read(MadeModels.SmolLm3).Layers.UnrotatedLayers, Is.EqualTo(new[] { 3 }));
        var absent = Read(
            MadeModels.SmolLm3,
            ("no_rope_layers", null),
            ("num_hidden_layers", "9"),
            ("rope_theta", null),
            ("tie_word_embeddings", null)
        );
        Assert.That(absent.Layers.UnrotatedLayers, Is.EqualTo(new[] { 3, 7 }));
        Assert.That((absent.Rope.Theta, absent.TieWordEmbeddings), Is.EqualTo((2e6, true)));
        var often = Read(MadeModels.SmolLm3, ("no_rope_layers", null), ("no_rope_layer_interval", "2"));
        Assert.That(often.Layers.UnrotatedLayers, Is.EqualTo(new[] { 1, 3, 5 }));
    }

    [Test]
    public void Granite_without_its_multipliers_has_those_of_its_class()
    {
        var config = Read(
            MadeModels.Granite,
            ("embedding_multiplier", null),
            ("residual_multiplier", null),
            ("attention_multiplier", null),
            ("logits_scaling", null)
        );
        var layers = config.Layers;
        Assert.That((layers.EmbeddingMultiplier, layers.ResidualMultiplier), Is.EqualTo((1.0, 1.0)));
        Assert.That((layers.AttentionMultiplier, layers.LogitsDivisor), Is.EqualTo((1.0, 1.0)));
    }

    [TestCase(MadeModels.Phi4, "attention_bias", "true", "false, found true")]
    [TestCase(
        MadeModels.Phi4,
        "partial_rotary_factor",
        "0.7",
        "a number up to 1 that makes an even number of a head's 16 elements, found 0.7 "
    )]
    [TestCase(
        MadeModels.Phi4,
        "partial_rotary_factor",
        "1.5",
        "a number up to 1 that makes an even number of a head's"
    )]
    [TestCase(
        MadeModels.Phi4,
        "rope_scaling.short_factor",
        "[1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0]",
        "6 numbers above 0, one for each pair that is rotated, found [1.0,"
    )]
    [TestCase(MadeModels.Granite, "residual_multiplier", "0", "a number above 0 in single precision, found 0")]
    [TestCase(MadeModels.Granite, "attention_multiplier", "\"auto\"", "a number above 0 in single precision, found")]
    [TestCase(
        MadeModels.SmolLm3,
        "no_rope_layers",
        "[1,0,1]",
        "at least 6 flags, 1 for a layer that rotates and 0 for others, found [1,0,1]"
    )]
    [TestCase(MadeModels.SmolLm3, "no_rope_layers", "[1,0,2,1,1,1]", "at least 6 flags, 1 for a layer that rotates")]
    [TestCase(MadeModels.SmolLm3, "partial_rotary_factor", "0.5", "1 or no such field (heads are rotated as a whole)")]
    public void A_field_is_refused_by_name(string model, string field, string json, string expected)
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(TestModels.Folder(model), (field, json));
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.StartWith($"{folder.ConfigPath}: {field}: expected {expected.TrimEnd()}")
        );
    }

    [Test]
    public void A_window_of_the_layers_that_do_not_rotate_is_refused()
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(
            TestModels.Folder(MadeModels.SmolLm3),
            ("use_sliding_window", "true"),
            ("sliding_window", "8")
        );
        Assert.That(
            Refusal.Of(() => ModelConfig.Read(folder.FullPath)),
            Does.EndWith("use_sliding_window: expected false (a window for all layers or for none), found true")
        );
    }

    private static ModelConfig Read(string model, params (string Name, string? Json)[] changes)
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(TestModels.Folder(model), changes);
        return ModelConfig.Read(folder.FullPath);
    }
}
