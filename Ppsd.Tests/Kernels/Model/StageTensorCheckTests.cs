using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>What loading refuses, the check that loads nothing refuses in the same words.</summary>
public sealed class StageTensorCheckTests
{
    [Test]
    public void A_sound_model_with_a_head_passes() =>
        Assert.That(
            () => StageTensorCheck.Require(TestModels.Options(TestModels.Gsm, exitHead: TestModels.GsmExitHead)),
            Throws.Nothing
        );

    [TestCase("F8_E4M3")]
    [TestCase(null)]
    public void Every_tensor_that_is_missing_or_of_another_type_is_refused_as_loading_does(string? dtype)
    {
        foreach (var name in Names(TestModels.Folder(TestModels.Tiny), layer: "model.layers.1."))
        {
            using var folder = new TemporaryFolder();
            Damage(TestModels.Folder(TestModels.Tiny), folder, name, dtype);
            if (dtype is null && name == "lm_head.weight")
            {
                // Tied or not by what the file holds: without a matrix of its own the LM head is the embedding.
                Assert.That(() => StageTensorCheck.Require(TestModels.Options(folder.FullPath)), Throws.Nothing);
                continue;
            }

            AssertSameRefusal(TestModels.Options(folder.FullPath), name);
        }
    }

    [Test]
    public void Every_tensor_that_is_missing_in_a_head_is_refused_as_loading_does()
    {
        foreach (var name in Names(TestModels.GsmExitHead, layer: ""))
        {
            using var folder = new TemporaryFolder();
            Damage(TestModels.GsmExitHead, folder, name, dtype: null);
            AssertSameRefusal(TestModels.Options(TestModels.Gsm, layerCount: 4, exitHead: folder.FullPath), name);
        }
    }

    [Test]
    public void Every_tensor_that_is_missing_in_a_chain_head_is_refused_as_loading_does()
    {
        var chain = TestModels.Shared("models", "gsm-llama-exit4-chain");
        if (!Directory.Exists(chain))
        {
            Assert.Ignore("needs ../shared/models");
        }

        var sound = TestModels.Options(TestModels.Gsm, layerCount: 4, exitHead: chain);
        Assert.That(() => StageTensorCheck.Require(sound), Throws.Nothing);
        foreach (var name in Names(chain, layer: ""))
        {
            using var folder = new TemporaryFolder();
            Damage(chain, folder, name, dtype: null);
            AssertSameRefusal(TestModels.Options(TestModels.Gsm, layerCount: 4, exitHead: folder.FullPath), name);
        }
    }

    [TestCase(TestModels.Qwen3)]
    [TestCase(MadeModels.Phi4)]
    public void Every_tensor_that_is_missing_in_a_familys_chain_head_is_refused_as_loading_does(string model)
    {
        using var head = new TemporaryFolder();
        ExitHeadFolder.WriteChain(model, exitLayer: 2, head.FullPath);
        Assert.That(
            () => StageTensorCheck.Require(TestModels.Options(model, layerCount: 2, exitHead: head.FullPath)),
            Throws.Nothing
        );
        foreach (var name in Names(head.FullPath, layer: ""))
        {
            using var folder = new TemporaryFolder();
            Damage(head.FullPath, folder, name, dtype: null);
            AssertSameRefusal(TestModels.Options(model, layerCount: 2, exitHead: folder.FullPath), name);
        }
    }

    private static void AssertSameRefusal(StageModelOptions options, string name)
    {
        using var backend = new CpuBackend(1);
        var loading = Assert.Throws<CheckpointException>(() => StageModelLoader.Load(backend, options).Dispose())!;
        var checking = Assert.Throws<CheckpointException>(() => StageTensorCheck.Require(options))!;

        Assert.That(checking.Message, Is.EqualTo(loading.Message));
        Assert.That(checking.Message, Does.Contain(name));
    }

    /// <summary>Tensors outside layers, and those of one layer.</summary>
    private static List<string> Names(string folder, string layer)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return
        [
            .. checkpoint.TensorNames.Where(name =>
                !name.Contains(".layers.", StringComparison.Ordinal) || name.StartsWith(layer, StringComparison.Ordinal)
            ),
        ];
    }

    /// <summary>Copies a folder with one tensor left out, or with another type in the header.</summary>
    private static void Damage(string source, TemporaryFolder target, string damaged, string? dtype)
    {
        SafetensorsWriter.CopyModel(source, target.FullPath);
        var writer = new SafetensorsWriter();
        using (var checkpoint = Checkpoint.Open(source))
        {
            foreach (var entry in checkpoint.ReadEntries())
            {
                var isDamaged = entry.Name == damaged;
                if (isDamaged && dtype is null)
                {
                    continue;
                }

                var tensor = checkpoint.Require(entry.Name);
                var bytes = new byte[isDamaged ? tensor.ElementCount : entry.ByteCount];
                writer.AddRaw(entry.Name, isDamaged ? dtype! : entry.Dtype, [.. entry.Shape], bytes);
            }
        }

        writer.Write(target.File("model.safetensors"));
    }
}
