using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class CheckpointRefusalTests
{
    private TemporaryFolder _folder = null!;

    private string SinglePath => _folder.File("model.safetensors");

    private string IndexPath => _folder.File("model.safetensors.index.json");

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void A_missing_folder_is_refused()
    {
        var folder = _folder.File("absent");

        Assert.That(
            Refusal.Of(() => Open(folder)),
            Is.EqualTo($"{folder}: expected a model folder, found no such folder")
        );
    }

    [Test]
    public void A_folder_without_weights_is_refused_with_what_it_holds()
    {
        Assert.That(
            Refusal.Of(() => Open(_folder.FullPath)),
            Is.EqualTo(
                $"{_folder.FullPath}: weights: expected model.safetensors or model.safetensors.index.json, found nothing"
            )
        );

        foreach (var name in new[] { "h", "a", "g", "b", "f", "c", "e", "d" })
        {
            _folder.Write(name, "");
        }

        Assert.That(Refusal.Of(() => Open(_folder.FullPath)), Does.EndWith(", found a, b, c, d, e, f and 2 more"));
    }

    [TestCase("pytorch_model.bin")]
    [TestCase("pytorch_model-00001-of-00002.bin")]
    public void Pickled_weights_are_refused_with_the_reason(string name)
    {
        _folder.Write("config.json", "{}");
        _folder.Write(name, "");

        Assert.That(
            Refusal.Of(() => Open(_folder.FullPath)),
            Is.EqualTo(
                $"{_folder.FullPath}: weights: expected model.safetensors or model.safetensors.index.json, "
                    + $"found config.json, {name}; only safetensors are read"
            )
        );
    }

    [Test]
    public void A_missing_tensor_names_the_file_that_should_hold_it()
    {
        WriteSingle();
        using var checkpoint = Open(_folder.FullPath);

        Assert.That(
            Refusal.Of(() => checkpoint.Require("model.norm.weight", 64)),
            Is.EqualTo(
                $"{SinglePath}: tensor 'model.norm.weight': expected a tensor of shape [64], found 2 others: ids, w"
            )
        );
        Assert.That(Refusal.Of(() => checkpoint.Require("x")), Does.Contain("expected to be listed, found 2 others"));
    }

    [Test]
    public void A_tensor_missing_from_the_index_names_the_index()
    {
        using var checkpoint = Open(ModelFolders.TinyLlama3);

        Assert.That(
            Refusal.Of(() => checkpoint.Require("lm_head.weight", 2047, 64)),
            Does.StartWith(
                    Path.Combine(ModelFolders.TinyLlama3, "model.safetensors.index.json")
                        + ": tensor 'lm_head.weight': expected a tensor of shape [2047, 64], found 47 others: "
                )
                .And.EndsWith(" and 41 more")
        );
    }

    [Test]
    public void A_tensor_of_another_shape_is_refused()
    {
        WriteSingle();
        using var checkpoint = Open(_folder.FullPath);

        Assert.That(
            Refusal.Of(() => checkpoint.Require("w", 3, 2)),
            Is.EqualTo($"{SinglePath}: tensor 'w': expected shape [3, 2], found [2, 3]")
        );
        Assert.That(Refusal.Of(() => checkpoint.Require("w", 6)), Does.EndWith("expected shape [6], found [2, 3]"));
        Assert.That(() => checkpoint.Require("w", 2, 3), Throws.Nothing);
    }

    [Test]
    public void Integers_are_no_weights()
    {
        WriteSingle();
        using var checkpoint = Open(_folder.FullPath);

        Assert.That(
            Refusal.Of(() => checkpoint.Require("ids", 1)),
            Is.EqualTo($"{SinglePath}: tensor 'ids': expected dtype BF16, F16 or F32, found I32")
        );
    }

    [Test]
    public void A_type_that_is_not_read_is_no_weight()
    {
        new SafetensorsWriter().AddRaw("w", "F8_E4M3", [2], [1, 2]).Write(SinglePath);
        using var checkpoint = Open(_folder.FullPath);

        Assert.That(
            Refusal.Of(() => checkpoint.TryGet("w", out _)),
            Is.EqualTo($"{SinglePath}: tensor 'w': expected dtype BF16, F16 or F32, found F8_E4M3")
        );
    }

    [Test]
    public void A_shard_that_is_not_there_is_refused_when_it_is_needed()
    {
        _folder.Write("model.safetensors.index.json", """{"weight_map":{"w":"model-00001-of-00002.safetensors"}}""");
        using var checkpoint = Open(_folder.FullPath);
        var expected =
            $"{IndexPath}: tensor 'w': expected the file model-00001-of-00002.safetensors beside the index, "
            + "found no such file";

        Assert.That(Refusal.Of(() => checkpoint.Require("w", 1)), Is.EqualTo(expected));
        Assert.That(Refusal.Of(() => checkpoint.Summarize()), Is.EqualTo(expected));
    }

    [Test]
    public void A_shard_without_the_tensor_is_refused()
    {
        new SafetensorsWriter().Add("v", ElementType.Float32, [1], [1]).Write(_folder.File("a.safetensors"));
        _folder.Write("model.safetensors.index.json", """{"weight_map":{"w":"a.safetensors"}}""");
        using var checkpoint = Open(_folder.FullPath);
        var expected =
            $"{_folder.File("a.safetensors")}: tensor 'w': "
            + "expected to be in this file as model.safetensors.index.json says, found no such tensor";

        Assert.That(Refusal.Of(() => checkpoint.Require("w", 1)), Is.EqualTo(expected));
        Assert.That(Refusal.Of(() => checkpoint.ReadEntries()), Is.EqualTo(expected));
    }

    [Test]
    public void A_damaged_shard_is_refused_when_it_is_needed_and_again_later()
    {
        _folder.Write("a.safetensors", "short");
        _folder.Write("model.safetensors.index.json", """{"weight_map":{"w":"a.safetensors"}}""");
        using var checkpoint = Open(_folder.FullPath);

        for (var time = 0; time < 2; time++)
        {
            Assert.That(
                Refusal.Of(() => checkpoint.Require("w")),
                Does.EndWith("a.safetensors: header: expected at least 8 bytes, found 5; the file is truncated")
            );
        }
    }

    [TestCase("../secret.safetensors")]
    [TestCase("/etc/passwd")]
    [TestCase("sub/model.safetensors")]
    [TestCase(@"..\secret.safetensors")]
    [TestCase("C:secret.safetensors")]
    [TestCase("..")]
    [TestCase(".")]
    [TestCase("")]
    public void An_index_cannot_lead_out_of_the_folder(string shard)
    {
        var index = new System.Text.Json.Nodes.JsonObject
        {
            ["weight_map"] = new System.Text.Json.Nodes.JsonObject { ["w"] = shard },
        };
        _folder.Write("model.safetensors.index.json", index.ToJsonString());

        Assert.That(
            Refusal.Of(() => Open(_folder.FullPath)),
            Is.EqualTo($"{IndexPath}: weight_map.w: expected the name of a file beside the index, found '{shard}'")
        );
    }

    [TestCase("""{"weight_map":{"w":"a.safetensors\u0000.json"}}""", "weight_map.w: expected the name of a file")]
    [TestCase("""{"metadata":{}}""", "weight_map: expected an object, found no such field")]
    [TestCase("""{"weight_map":[]}""", "weight_map: expected an object, found []")]
    [TestCase("""{"weight_map":{"w":3}}""", "weight_map.w: expected text, found 3")]
    [TestCase("""{"weight_map":{"w":null}}""", "weight_map.w: expected text, found null")]
    [TestCase("""{"weight_map":{"w":"a","w":"b"}}""", "file: expected JSON, found an error: Duplicate property 'w'")]
    [TestCase("""{"weight_map":{"w":"\ud800"}}""", "weight_map.w: expected valid UTF-8 text, found ")]
    [TestCase("""{"weight_map":{"\ud800":"a"}}""", "expected valid UTF-8 text, found ")]
    [TestCase("[1]", "file: expected a JSON object, found [1]")]
    [TestCase("{\n\"weight_map\": {\n", "file: expected JSON, found an error at line 3, position 1: ")]
    public void A_bad_index_is_refused(string index, string expected)
    {
        _folder.Write("model.safetensors.index.json", index);

        Assert.That(Refusal.Of(() => Open(_folder.FullPath)), Does.StartWith($"{IndexPath}: ").And.Contain(expected));
    }

    [Test]
    public void A_bad_single_file_is_refused_at_once()
    {
        WriteSingle();
        File.WriteAllBytes(SinglePath, File.ReadAllBytes(SinglePath)[..^1]);

        Assert.That(Refusal.Of(() => Open(_folder.FullPath)), Does.StartWith(SinglePath).And.Contain("truncated"));
    }

    private static Checkpoint Open(string folder) => Checkpoint.Open(folder);

    private void WriteSingle() =>
        new SafetensorsWriter()
            .Add("w", ElementType.BFloat16, [2, 3], [1, 2, 3, 4, 5, 6])
            .Add("ids", [1], [7])
            .Write(SinglePath);
}
