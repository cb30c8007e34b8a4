using System.Security.Cryptography;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class SafetensorsFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void A_real_file_yields_names_shapes_and_bytes()
    {
        using var file = SafetensorsFile.Open(Path.Combine(ModelFolders.TinyLlama, "model.safetensors"));
        var head = file.Require("lm_head.weight");

        Assert.That(file.Entries, Has.Length.EqualTo(57));
        Assert.That(file.Metadata["format"], Is.EqualTo("pt"));
        Assert.That(head.ElementType, Is.EqualTo(ElementType.BFloat16));
        Assert.That(head.Shape, Is.EqualTo(new long[] { 4096, 64 }));
        Assert.That(head.ByteCount, Is.EqualTo(524_288));

        // Digest and values from another reader.
        var digest = Convert.ToHexStringLower(SHA256.HashData(head.Bytes(0, (int)head.ByteCount)));
        Assert.That(digest, Is.EqualTo("ecc9505ae8ca2ddc810870bd905196934909fb9b3046cfa5c31c1bccaaf554ff"));
        var row = new float[64];
        head.ReadRow(4095, row);
        Assert.That(row[^4..], Is.EqualTo(new[] { 0.291015625f, -0.298828125f, 0.00732421875f, 0.189453125f }));
    }

    [Test]
    public void Reference_files_hold_integers_and_singles()
    {
        using var file = SafetensorsFile.Open(ModelFolders.TinyLlamaGoldens);
        var ids = new int[18];
        file.Require("1.input_ids").ReadRow(0, ids);
        var hidden = new float[64];
        file.Require("0.hidden.2").ReadRow(0, hidden);

        Assert.That(string.Join(" ", ids[..6]), Is.EqualTo("1 1031 2954 2545 3851 896"));
        Assert.That(ids[^1], Is.EqualTo(1751));
        Assert.That(hidden[..2], Is.EqualTo(new[] { -0.2737315893173218f, -0.5805017948150635f }));
    }

    [Test]
    public void Every_element_type_is_written_and_read_back()
    {
        float[] values = [0f, -1.5f, 0.25f, 65504f, float.NegativeInfinity, 6.103515625e-5f];
        var path = _folder.File("all.safetensors");
        var writer = new SafetensorsWriter().WithMetadata("made by", "a test\n");
        foreach (var type in new[] { ElementType.Float16, ElementType.Float32 })
        {
            writer.Add($"{type}", type, [2, 3], values);
        }

        writer.Add("BFloat16", ElementType.BFloat16, [2, 3], [0f, -1.5f, 0.25f, 65536f, 1e-40f, 3f]);
        writer.Add("Int32", [3], [int.MinValue, -1, int.MaxValue]);
        writer.Write(path);

        using var file = SafetensorsFile.Open(path);
        var read = new float[6];
        foreach (var type in new[] { ElementType.Float16, ElementType.Float32 })
        {
            file.Require($"{type}").ReadRows(0, 2, read);
            Assert.That(read, Is.EqualTo(values));
        }

        file.Require("BFloat16").ReadRows(0, 2, read);
        Assert.That(read[..4], Is.EqualTo(new[] { 0f, -1.5f, 0.25f, 65536f }));
        Assert.That(read[4], Is.GreaterThan(0f).And.LessThan(1.1e-40f));
        var integers = new int[3];
        file.Require("Int32").ReadRow(0, integers);
        Assert.That(integers, Is.EqualTo(new[] { int.MinValue, -1, int.MaxValue }));
        Assert.That(file.Metadata["made by"], Is.EqualTo("a test\n"));
    }

    [Test]
    public void Entries_come_in_the_order_of_their_bytes()
    {
        var header = """
            {"second":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"first":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}
            """;
        using var file = SafetensorsFile.Open(
            _folder.Write("a.safetensors", SafetensorsWriter.Assemble(header, [1, 2]))
        );

        Assert.That(file.Entries.Select(entry => entry.Name), Is.EqualTo(["first", "second"]));
    }

    [Test]
    public void Scalars_and_empty_tensors_are_sound()
    {
        var path = _folder.File("a.safetensors");
        new SafetensorsWriter()
            .Add("before", ElementType.Float32, [1], [1f])
            .Add("empty", ElementType.Float32, [0, 5], [])
            .Add("scalar", ElementType.Float32, [], [7f])
            .Add("empty too", ElementType.Float32, [0], [])
            .Write(path);

        using var file = SafetensorsFile.Open(path);
        var scalar = new float[1];
        file.Require("scalar").ReadRow(0, scalar);

        Assert.That(scalar[0], Is.EqualTo(7f));
        Assert.That(file.Require("scalar").Shape, Is.Empty);
        Assert.That(file.Require("empty").ElementCount, Is.Zero);
        Assert.That(file.Require("empty").Bytes(0, 0).IsEmpty, Is.True);
    }

    [Test]
    public void A_file_without_tensors_is_sound()
    {
        using var file = SafetensorsFile.Open(_folder.Write("a.safetensors", SafetensorsWriter.Assemble("{}", [])));

        Assert.That(file.Entries, Is.Empty);
        Assert.That(file.TryGet("x", out _), Is.False);
    }

    [Test]
    public void Data_need_not_be_aligned()
    {
        var header =
            """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}""";
        byte[] data = [9, .. SafetensorsWriter.Encode(ElementType.Float32, [1.5f, -2f])];
        using var file = SafetensorsFile.Open(_folder.Write("a.safetensors", SafetensorsWriter.Assemble(header, data)));
        var values = new float[2];
        file.Require("b").ReadRow(0, values);

        Assert.That(values, Is.EqualTo(new[] { 1.5f, -2f }));
    }

    [Test]
    public void A_tensor_of_another_type_hinders_nobody_until_it_is_asked_for()
    {
        var path = _folder.File("a.safetensors");
        new SafetensorsWriter()
            .AddRaw("mask", "BOOL", [3], [1, 0, 1])
            .AddRaw("packed", "F4", [4], [1, 2])
            .Add("weight", ElementType.Float32, [1], [5f])
            .Write(path);

        using var file = SafetensorsFile.Open(path);
        Assert.That(file.Require("weight").ElementCount, Is.EqualTo(1));
        Assert.That(file.Entries.Select(entry => entry.ElementType), Has.Exactly(2).Null);
        Assert.That(
            Refusal.Of(() => file.Require("mask")),
            Is.EqualTo($"{path}: tensor 'mask': expected dtype BF16, F16, F32 or I32, found BOOL")
        );
        Assert.That(Refusal.Of(() => file.TryGet("packed", out _)), Does.Contain("found F4"));
    }

    [Test]
    public void A_missing_tensor_is_refused_with_what_there_is()
    {
        var path = _folder.File("a.safetensors");
        new SafetensorsWriter().Add("b", [1], [1]).Add("a", [1], [1]).Write(path);

        using var file = SafetensorsFile.Open(path);
        Assert.That(
            Refusal.Of(() => file.Require("c")),
            Is.EqualTo($"{path}: tensor 'c': expected to be in this file, found a, b")
        );
    }

    [Test]
    public void Many_files_open_and_close_without_leaving_a_map_behind()
    {
        var path = _folder.File("a.safetensors");
        new SafetensorsWriter().Add("a", [1], [1]).Write(path);
        for (var i = 0; i < 200; i++)
        {
            using var file = SafetensorsFile.Open(path);
        }

        if (File.Exists("/proc/self/maps"))
        {
            Assert.That(File.ReadAllText("/proc/self/maps"), Does.Not.Contain(path));
        }
    }

    [Test]
    public void A_refused_file_is_closed()
    {
        var path = _folder.Write("a.safetensors", SafetensorsWriter.Assemble("{}", [1]));
        Refusal.Of(() => SafetensorsFile.Open(path));

        Assert.That(
            () => File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose(),
            Throws.Nothing
        );
    }

    [Test]
    public void After_dispose_the_file_says_so()
    {
        var path = _folder.File("a.safetensors");
        new SafetensorsWriter().Add("a", [1], [1]).Write(path);
        var file = SafetensorsFile.Open(path);
        var tensor = file.Require("a");
        file.Dispose();
        file.Dispose();

        Assert.That(() => file.Require("a"), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => tensor.ReadRow(0, new int[1]), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => tensor.Bytes(0, 1).Length, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(tensor.Shape, Is.EqualTo(new long[] { 1 }));
    }
}
