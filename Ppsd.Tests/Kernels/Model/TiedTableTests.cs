using System.Text.Json.Nodes;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>Whether the LM head is the embedding, by what the checkpoint holds and what the config says.</summary>
public sealed class TiedTableTests
{
    private const string Head = "lm_head.weight";
    private const string Table = "model.embed_tokens.weight";

    [Test]
    public void A_head_in_the_file_counts_even_where_the_config_ties_it()
    {
        using var folder = Folder(ties: true, (Head, Head), (Table, Table));
        var config = ModelConfig.Read(folder.FullPath);
        Assert.That((config.TieWordEmbeddings, config.TiesByConfig), Is.EqualTo((false, true)));
        Assert.That(Logits(folder.FullPath), Is.EqualTo(Logits(TestModels.Folder(TestModels.Qwen2))));
    }

    [Test]
    public void A_head_alone_is_the_embedding_too_where_the_config_ties_them()
    {
        // The same numbers as those of a file that holds the matrix under the embedding's name only, or under both.
        using var headOnly = Folder(ties: true, (Head, Head));
        using var tableOnly = Folder(ties: true, (Table, Head));
        using var both = Folder(ties: true, (Head, Head), (Table, Head));
        var expected = Logits(both.FullPath);
        Assert.That(Logits(tableOnly.FullPath), Is.EqualTo(expected));
        Assert.That(Logits(headOnly.FullPath), Is.EqualTo(expected));
        Assert.That(ModelConfig.Read(headOnly.FullPath).EmbeddingTensor, Is.EqualTo(Head));
        Assert.That(() => StageTensorCheck.Require(TestModels.Options(headOnly.FullPath)), Throws.Nothing);
        Assert.That(Unused(headOnly.FullPath), Is.Empty);
    }

    [Test]
    public void A_head_alone_is_refused_where_the_config_does_not_tie_them()
    {
        using var folder = Folder(ties: false, (Head, Head));
        Assert.That(
            Refusal.Of(() => StageTensorCheck.Require(TestModels.Options(folder.FullPath))),
            Does.Contain($"tensor '{Table}'")
        );
    }

    [Test]
    public void Tensors_that_a_config_has_no_use_for_are_found()
    {
        foreach (var model in (string[])[TestModels.Gsm, .. TestModels.Families])
        {
            Assert.That(Unused(TestModels.Folder(model)), Is.Empty, model);
        }

        var asLlama = ModelConfig.Read(TestModels.Folder(TestModels.Qwen2)) with { Layers = new() };
        using var checkpoint = Checkpoint.Open(TestModels.Folder(TestModels.Qwen2));
        var unused = LayerTensors.Unused(asLlama, checkpoint.TensorNames);
        Assert.That(unused[0], Is.EqualTo("model.layers.0.self_attn.k_proj.bias"));
        Assert.That(unused, Has.Count.EqualTo(3 * asLlama.LayerCount));
        Assert.That(
            LayerTensors.Unused(asLlama, ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.norm.weight"]),
            Is.Empty
        );
    }

    private static IReadOnlyList<string> Unused(string folder)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return LayerTensors.Unused(ModelConfig.Read(folder), checkpoint.TensorNames);
    }

    private static float[] Logits(string folder)
    {
        using var backend = new CpuBackend(1);
        using var model = StageModelLoader.Load(backend, TestModels.Options(folder));
        var run = new SequenceRun(model, 64);
        run.Feed(1, 17, 300, 5);
        return run.Logits(1)[0];
    }

    /// <summary>A copy of tiny-qwen2 with these tables, each by its name and the name of the one it is a copy of.</summary>
    private static TemporaryFolder Folder(bool ties, params (string Name, string Source)[] tables)
    {
        var source = TestModels.Folder(TestModels.Qwen2);
        var folder = new TemporaryFolder();
        SafetensorsWriter.CopyModel(source, folder.FullPath);
        var config = JsonNode.Parse(File.ReadAllText(folder.File("config.json")))!;
        config["tie_word_embeddings"] = ties;
        folder.Write("config.json", config.ToJsonString());
        var writer = new SafetensorsWriter();
        using (var checkpoint = Checkpoint.Open(source))
        {
            var others = checkpoint.TensorNames.Except([Head, Table]).Select(name => (name, name));
            foreach (var (name, from) in others.Concat(tables))
            {
                var tensor = checkpoint.Require(from);
                writer.AddRaw(name, "BF16", [.. tensor.Shape], tensor.Bytes(0, (int)tensor.ByteCount));
            }
        }

        writer.Write(folder.File("model.safetensors"));
        return folder;
    }
}
