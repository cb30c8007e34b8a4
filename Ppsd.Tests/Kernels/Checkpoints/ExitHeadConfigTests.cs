using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class ExitHeadConfigTests
{
    private const string GsmFingerprint = "bfd79c2e508a4eb8abbedb27bf0e33c23472e6c9eb6342548f4e0288a53f2e64";

    private static readonly ModelConfig _gsm = ModelConfig.Read(ModelFolders.GsmLlama);

    [Test]
    public void A_folder_with_another_model_holds_no_head_and_is_refused_where_a_head_is_named()
    {
        Assert.That(ExitHeadConfig.Find(ModelFolders.GsmLlama), Is.Null);
        Assert.That(ExitHeadConfig.Find(ModelFolders.GsmLlamaExit4)?.ExitLayer, Is.EqualTo(4));
        Assert.That(
            Refusal.Of(() => ExitHeadConfig.Read(ModelFolders.GsmLlama)),
            Does.Contain("model_type: expected ppsd_exit_head, found \"llama\"")
        );
    }

    [Test]
    public void A_transformer_head_is_read()
    {
        var head = ExitHeadConfig.Read(ModelFolders.GsmLlamaExit4);

        Assert.That(head.Kind, Is.EqualTo(ExitHeadKind.Transformer));
        Assert.That((head.ExitLayer, head.LayerCount, head.IntermediateSize), Is.EqualTo((4, 1, (int?)null)));
        Assert.That(head.RmsNormEpsilon, Is.EqualTo(1e-5f));
        Assert.That(head.ElementType, Is.EqualTo(ElementType.BFloat16));
        Assert.That(head.Verifier, Is.EqualTo(new ExitHeadVerifier("gsm-llama", 16, 256, GsmFingerprint)));
    }

    [Test]
    public void A_norm_head_has_no_layers()
    {
        using var folder = Head(("head_type", "\"norm\""));
        var head = ExitHeadConfig.Read(folder.FullPath);

        Assert.That((head.Kind, head.LayerCount), Is.EqualTo((ExitHeadKind.Norm, 0)));
    }

    [TestCase("512", 512)]
    [TestCase(null, null)]
    public void An_mlp_head_may_have_a_width_of_its_own(string? json, int? expected)
    {
        using var folder = Head(("head_type", "\"mlp\""), ("num_layers", null), ("intermediate_size", json));
        var head = ExitHeadConfig.Read(folder.FullPath);

        Assert.That((head.Kind, head.LayerCount), Is.EqualTo((ExitHeadKind.Mlp, 0)));
        Assert.That(head.IntermediateSize, Is.EqualTo(expected));
    }

    [TestCase("model_type", "\"llama\"", "model_type: expected ppsd_exit_head, found \"llama\"")]
    [TestCase("model_type", null, "model_type: expected ppsd_exit_head, found no such field")]
    [TestCase("head_type", "\"conv\"", "head_type: expected norm, mlp, transformer or chain, found \"conv\"")]
    [TestCase("head_type", null, "head_type: expected norm, mlp, transformer or chain, found no such field")]
    [TestCase("lm_head", "\"own\"", "lm_head: expected shared, found \"own\"")]
    [TestCase("lm_head", null, "lm_head: expected shared, found no such field")]
    [TestCase("exit_layer", "0", "exit_layer: expected an integer from 1 to 2147483647, found 0")]
    [TestCase("exit_layer", null, "exit_layer: expected an integer from 1 to 2147483647, found no such field")]
    [TestCase("num_layers", "0", "num_layers: expected an integer from 1 to 2147483647, found 0")]
    [TestCase("num_layers", null, "num_layers: expected an integer from 1 to 2147483647, found no such field")]
    [TestCase("rms_norm_eps", null, "rms_norm_eps: expected a number above 0 in single precision, found no such field")]
    [TestCase("dtype", "\"int8\"", "dtype: expected bfloat16, float16 or float32, found \"int8\"")]
    [TestCase("verifier", null, "verifier: expected an object, found no such field")]
    [TestCase("verifier.num_hidden_layers", "0", "verifier.num_hidden_layers: expected an integer from 1 to ")]
    [TestCase("verifier.hidden_size", null, "verifier.hidden_size: expected an integer from 1 to ")]
    [TestCase("verifier.weights_sha256", null, "verifier.weights_sha256: expected text, found no such field")]
    [TestCase(
        "verifier.weights_sha256",
        "\"12\"",
        "verifier.weights_sha256: expected 64 lower-case hexadecimal digits"
    )]
    public void A_field_is_refused_by_name(string field, string? json, string expected)
    {
        using var folder = Head((field, json));

        Assert.That(
            Refusal.Of(() => ExitHeadConfig.Read(folder.FullPath)),
            Does.StartWith($"{folder.ConfigPath}: {expected}")
        );
    }

    [Test]
    public void A_model_is_no_exit_head()
    {
        Assert.That(
            Refusal.Of(() => ExitHeadConfig.Read(ModelFolders.GsmLlama)),
            Does.EndWith("config.json: model_type: expected ppsd_exit_head, found \"llama\"")
        );
    }

    [Test]
    public void The_head_fits_the_model_it_was_trained_for()
    {
        var head = ExitHeadConfig.Read(ModelFolders.GsmLlamaExit4);

        Assert.That(() => head.RequireFits(_gsm, GsmFingerprint), Throws.Nothing);
        Assert.That(() => (head with { ExitLayer = 1 }).RequireFits(_gsm, GsmFingerprint), Throws.Nothing);
        Assert.That(() => (head with { ExitLayer = 16 }).RequireFits(_gsm, GsmFingerprint), Throws.Nothing);
    }

    [Test]
    public void Other_weights_are_refused()
    {
        var other = new string('0', 64);

        Assert.That(
            Refuse(_gsm, other),
            Is.EqualTo(
                $"verifier.weights_sha256: expected {other} as the model's weights have, "
                    + $"found {GsmFingerprint}; the head was trained for other weights"
            )
        );
    }

    [Test]
    public void A_model_of_another_depth_is_refused_for_that_and_not_for_its_weights()
    {
        Assert.That(
            Refuse(_gsm with { LayerCount = 32 }, new string('0', 64)),
            Is.EqualTo("verifier.num_hidden_layers: expected 32 as the model has, found 16")
        );
    }

    [Test]
    public void A_model_of_another_width_is_refused()
    {
        Assert.That(
            Refuse(_gsm with { HiddenSize = 512 }, GsmFingerprint),
            Is.EqualTo("verifier.hidden_size: expected 512 as the model has, found 256")
        );
    }

    [TestCase("17")]
    [TestCase("1000")]
    public void An_exit_behind_the_last_layer_is_refused(string exitLayer)
    {
        Assert.That(
            Refuse(_gsm, GsmFingerprint, ("exit_layer", exitLayer)),
            Is.EqualTo($"exit_layer: expected 1 to 16, the model's number of layers, found {exitLayer}")
        );
    }

    private static ConfigFolder Head(params (string Name, string? Json)[] changes) =>
        new ConfigFolder().WithConfigOf(ModelFolders.GsmLlamaExit4, changes);

    private static string Refuse(ModelConfig model, string fingerprint, params (string Name, string? Json)[] changes)
    {
        using var folder = Head(changes);
        var head = ExitHeadConfig.Read(folder.FullPath);
        var message = Refusal.Of(() => head.RequireFits(model, fingerprint));
        Assert.That(message, Does.StartWith($"{folder.ConfigPath}: "));
        return message[(folder.ConfigPath.Length + 2)..];
    }
}
