using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class CheckpointTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Every_tensor_of_a_real_model_has_the_shape_its_config_promises(
        [Values("tiny-llama", "tiny-llama3", "gsm-llama")] string model
    )
    {
        var folder = model switch
        {
            "tiny-llama" => ModelFolders.TinyLlama,
            "tiny-llama3" => ModelFolders.TinyLlama3,
            _ => ModelFolders.GsmLlama,
        };
        var config = ModelConfig.Read(folder);
        using var checkpoint = Checkpoint.Open(folder);
        var asked = new List<Tensor>
        {
            checkpoint.Require(LlamaTensorNames.Embedding, config.VocabSize, config.HiddenSize),
            checkpoint.Require(LlamaTensorNames.FinalNorm, config.HiddenSize),
        };
        if (!config.TieWordEmbeddings)
        {
            asked.Add(checkpoint.Require(LlamaTensorNames.LmHead(false), config.VocabSize, config.HiddenSize));
        }

        for (var layer = 0; layer < config.LayerCount; layer++)
        {
            asked.AddRange(RequireLayer(checkpoint, LlamaTensorNames.Layer(layer), config));
        }

        Assert.That(asked.Select(tensor => tensor.Name), Is.EquivalentTo(checkpoint.TensorNames));
        Assert.That(asked.Select(tensor => tensor.ElementType), Is.All.EqualTo(config.ElementType));
    }

    [Test]
    public void An_exit_head_folder_is_a_checkpoint_too()
    {
        var model = ModelConfig.Read(ModelFolders.GsmLlama);
        using var checkpoint = Checkpoint.Open(ModelFolders.GsmLlamaExit4);
        var asked = RequireLayer(checkpoint, ExitHeadTensorNames.Layer(0), model);
        asked.Add(checkpoint.Require(ExitHeadTensorNames.Norm, model.HiddenSize));

        Assert.That(asked.Select(tensor => tensor.Name), Is.EquivalentTo(checkpoint.TensorNames));
    }

    [Test]
    public void Only_the_shards_of_the_layers_asked_for_are_opened()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.TinyLlama3);
        Assert.That(checkpoint.OpenShards, Is.Empty);

        checkpoint.Require(LlamaTensorNames.Layer(0).Query);
        checkpoint.Require(LlamaTensorNames.Layer(0).Down);
        Assert.That(checkpoint.OpenShards, Is.EqualTo(["model-00002-of-00005.safetensors"]));

        // Layer 1 is cut in two by its shards.
        checkpoint.Require(LlamaTensorNames.Layer(1).Gate);
        checkpoint.Require(LlamaTensorNames.Layer(1).Up);
        Assert.That(
            checkpoint.OpenShards,
            Is.EquivalentTo(["model-00002-of-00005.safetensors", "model-00003-of-00005.safetensors"])
        );
    }

    [Test]
    public void A_stage_needs_only_its_own_shards_on_its_disk()
    {
        foreach (var name in new[] { "model.safetensors.index.json", "model-00002-of-00005.safetensors" })
        {
            File.Copy(Path.Combine(ModelFolders.TinyLlama3, name), _folder.File(name));
        }

        using var checkpoint = Checkpoint.Open(_folder.FullPath);

        Assert.That(checkpoint.Require(LlamaTensorNames.Layer(0).Key, 32, 64).ByteCount, Is.EqualTo(4096));
    }

    [Test]
    public void Sizes_are_counted_from_the_headers_alone()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.GsmLlama);
        var summary = checkpoint.Summarize();

        // The counts that the index states.
        Assert.That(summary.ParameterCount, Is.EqualTo(13_902_080));
        Assert.That(summary.ByteCount, Is.EqualTo(27_804_160));
        Assert.That(summary.TensorCount, Is.EqualTo(147));
        Assert.That(summary.Dtypes, Is.EqualTo(["BF16"]));
        Assert.That(checkpoint.OpenShards, Is.Empty);
    }

    [Test]
    public void Entries_of_all_shards_come_in_the_order_of_their_names()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.TinyLlama3);
        var names = checkpoint.ReadEntries().Select(entry => entry.Name).ToArray();

        Assert.That(names, Has.Length.EqualTo(47));
        Assert.That(names, Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
    }

    [Test]
    public void Rotary_buffers_of_early_exports_are_no_parameters()
    {
        new SafetensorsWriter()
            .Add("model.layers.0.self_attn.rotary_emb.inv_freq", ElementType.Float32, [2], [1, 2])
            .Add("model.norm.weight", ElementType.BFloat16, [3], [1, 2, 3])
            .AddRaw("mask", "BOOL", [4], [1, 1, 1, 1])
            .Write(_folder.File("model.safetensors"));
        using var checkpoint = Checkpoint.Open(_folder.FullPath);
        var summary = checkpoint.Summarize();

        Assert.That(summary.ParameterCount, Is.EqualTo(7));
        Assert.That(summary.ByteCount, Is.EqualTo(18));
        Assert.That(summary.Dtypes, Is.EqualTo(["BF16", "BOOL", "F32"]));
    }

    [TestCase(ElementType.Float32, 1)]
    [TestCase(ElementType.Float32, 3)]
    [TestCase(null, 7)]
    public void A_copy_in_another_type_and_other_shards_reads_the_same(ElementType? type, int shardCount)
    {
        SafetensorsWriter.CopyModel(ModelFolders.TinyLlama3, _folder.FullPath, type, shardCount);
        using var original = Checkpoint.Open(ModelFolders.TinyLlama3);
        using var copy = Checkpoint.Open(_folder.FullPath);

        Assert.That(copy.TensorNames, Is.EquivalentTo(original.TensorNames));
        Assert.That(ModelConfig.Read(_folder.FullPath).ElementType, Is.EqualTo(type ?? ElementType.BFloat16));
        foreach (var name in original.TensorNames)
        {
            Assert.That(ReadAll(copy.Require(name)), Is.EqualTo(ReadAll(original.Require(name))), name);
        }
    }

    [Test]
    public void A_single_file_counts_before_an_index()
    {
        new SafetensorsWriter().Add("w", ElementType.Float32, [1], [1]).Write(_folder.File("model.safetensors"));
        _folder.Write("model.safetensors.index.json", """{"weight_map":{"other":"other.safetensors"}}""");
        using var checkpoint = Checkpoint.Open(_folder.FullPath);

        Assert.That(checkpoint.TensorNames, Is.EqualTo(["w"]));
    }

    [Test]
    public void An_unlisted_tensor_is_not_found_and_opens_nothing()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.TinyLlama3);

        Assert.That(checkpoint.TryGet("lm_head.weight", out var tensor), Is.False);
        Assert.That(tensor, Is.Null);
        Assert.That(checkpoint.OpenShards, Is.Empty);
        Assert.That(checkpoint.TryGet("model.norm.weight", out tensor), Is.True);
        Assert.That(tensor!.Shape, Is.EqualTo([64L]));
    }

    [Test]
    public void A_tensor_may_be_asked_for_without_a_shape()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.TinyLlama);

        Assert.That(checkpoint.Require("lm_head.weight").Shape, Is.EqualTo([4096L, 64L]));
    }

    [Test]
    public void Many_threads_may_ask_at_once()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.TinyLlama3);
        var names = checkpoint.TensorNames.Order(StringComparer.Ordinal).ToArray();
        var sums = new double[names.Length];
        Parallel.For(0, names.Length, i => sums[i] = ReadAll(checkpoint.Require(names[i])).Sum(value => (double)value));

        Assert.That(checkpoint.OpenShards, Has.Count.EqualTo(5));
        Assert.That(
            sums,
            Is.EqualTo(names.Select(name => ReadAll(checkpoint.Require(name)).Sum(value => (double)value)))
        );
    }

    [Test]
    public void After_dispose_the_checkpoint_and_its_tensors_say_so()
    {
        var checkpoint = Checkpoint.Open(ModelFolders.TinyLlama);
        var tensor = checkpoint.Require("model.norm.weight");
        checkpoint.Dispose();
        checkpoint.Dispose();

        Assert.That(() => checkpoint.Require("model.norm.weight"), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => tensor.ReadRow(0, new float[64]), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(checkpoint.OpenShards, Is.Empty);
    }

    private static List<Tensor> RequireLayer(Checkpoint checkpoint, LlamaLayerTensorNames names, ModelConfig config) =>
        [
            checkpoint.Require(names.InputNorm, config.HiddenSize),
            checkpoint.Require(names.Query, config.QuerySize, config.HiddenSize),
            checkpoint.Require(names.Key, config.KvSize, config.HiddenSize),
            checkpoint.Require(names.Value, config.KvSize, config.HiddenSize),
            checkpoint.Require(names.Output, config.HiddenSize, config.QuerySize),
            checkpoint.Require(names.PostAttentionNorm, config.HiddenSize),
            checkpoint.Require(names.Gate, config.IntermediateSize, config.HiddenSize),
            checkpoint.Require(names.Up, config.IntermediateSize, config.HiddenSize),
            checkpoint.Require(names.Down, config.HiddenSize, config.IntermediateSize),
        ];

    private static float[] ReadAll(Tensor tensor)
    {
        var values = new float[tensor.ElementCount];
        tensor.ReadRows(0, (int)tensor.RowCount, values);
        return values;
    }
}
