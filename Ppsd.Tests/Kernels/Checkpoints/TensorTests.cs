using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class TensorTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Rows_are_those_of_a_row_major_matrix()
    {
        using var file = OpenCounting([2, 3, 2]);
        var tensor = file.Require("w");
        var row = new float[6];
        tensor.ReadRow(1, row);

        Assert.That((tensor.RowCount, tensor.RowLength), Is.EqualTo((2L, 6L)));
        Assert.That(row, Is.EqualTo(new float[] { 6, 7, 8, 9, 10, 11 }));
    }

    [Test]
    public void Neighbouring_rows_are_read_at_once()
    {
        using var file = OpenCounting([4, 3]);
        var rows = new float[6];
        file.Require("w").ReadRows(1, 2, rows);

        Assert.That(rows, Is.EqualTo(new float[] { 3, 4, 5, 6, 7, 8 }));
    }

    [Test]
    public void A_vector_is_one_row()
    {
        using var file = OpenCounting([5]);
        var tensor = file.Require("w");

        Assert.That((tensor.RowCount, tensor.RowLength), Is.EqualTo((1L, 5L)));
    }

    [Test]
    public unsafe void The_pointer_leads_to_the_bytes()
    {
        using var file = OpenCounting([4, 3]);
        var tensor = file.Require("w");

        Assert.That(((float*)tensor.Pointer)[11], Is.EqualTo(11f));
        Assert.That(BitConverter.ToSingle(tensor.Bytes(44, 4)), Is.EqualTo(11f));
    }

    [TestCase(-1, 1)]
    [TestCase(0, 49)]
    [TestCase(48, 1)]
    [TestCase(49, 0)]
    [TestCase(0, -1)]
    [TestCase(long.MaxValue, 1)]
    public void Bytes_outside_the_tensor_are_refused(long offset, int count)
    {
        using var file = OpenCounting([4, 3]);
        var tensor = file.Require("w");

        Assert.That(() => tensor.Bytes(offset, count).Length, Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [TestCase(-1, 1)]
    [TestCase(4, 1)]
    [TestCase(3, 2)]
    [TestCase(0, -1)]
    [TestCase(long.MaxValue, 1)]
    public void Rows_outside_the_tensor_are_refused(long firstRow, int rowCount)
    {
        using var file = OpenCounting([4, 3]);
        var tensor = file.Require("w");

        Assert.That(
            () => tensor.ReadRows(firstRow, rowCount, new float[3 * Math.Abs(rowCount)]),
            Throws.TypeOf<ArgumentOutOfRangeException>()
        );
    }

    [TestCase(2)]
    [TestCase(4)]
    public void A_destination_that_is_not_a_row_is_refused(int length)
    {
        using var file = OpenCounting([4, 3]);
        var tensor = file.Require("w");

        Assert.That(() => tensor.ReadRow(0, new float[length]), Throws.ArgumentException);
    }

    [Test]
    public void Floats_and_integers_are_not_mixed_up()
    {
        var path = _folder.File("a.safetensors");
        new SafetensorsWriter().Add("f", ElementType.Float32, [1], [1f]).Add("i", [1], [1]).Write(path);
        using var file = SafetensorsFile.Open(path);
        var floats = file.Require("f");
        var integers = file.Require("i");

        Assert.That(() => floats.ReadRow(0, new int[1]), Throws.InvalidOperationException);
        Assert.That(() => integers.ReadRow(0, new float[1]), Throws.InvalidOperationException);
    }

    [Test]
    public void A_tensor_of_5_GiB_is_read_to_its_last_row()
    {
        // 1280 Ki rows of 2 Ki halves: offsets pass 2^32 in bytes and 2^31 in elements. The file is sparse, so only its
        // first and last pages are ever on disk.
        const long Rows = 1280 * 1024;
        const long RowLength = 2048;
        const long DataBytes = Rows * RowLength * 2;
        var path = _folder.File("large.safetensors");
        var header = $$"""{"w":{"dtype":"F16","shape":[{{Rows}},{{RowLength}}],"data_offsets":[0,{{DataBytes}}] } }""";
        var start = SafetensorsWriter.Assemble(header, []);
        try
        {
            using var stream = File.Create(path);
            stream.Write(start);
            stream.SetLength(start.Length + DataBytes);
            stream.Position = start.Length + DataBytes - 4;
            stream.Write(SafetensorsWriter.Encode(ElementType.Float16, [1.5f, -2.25f]));
        }
        catch (IOException error)
        {
            Assert.Ignore($"The file system has no sparse files of 5 GiB: {error.Message}");
        }

        using var file = SafetensorsFile.Open(path);
        var tensor = file.Require("w");
        var row = new float[RowLength];
        tensor.ReadRow(Rows - 1, row);

        Assert.That(tensor.ByteCount, Is.EqualTo(5L << 30));
        Assert.That(row[^2..], Is.EqualTo(new[] { 1.5f, -2.25f }));
        Assert.That(row[..^2], Is.All.Zero);
        Assert.That(tensor.Bytes(DataBytes - 1, 1)[0], Is.EqualTo(0xc0));
    }

    private SafetensorsFile OpenCounting(long[] shape)
    {
        var path = _folder.File("a.safetensors");
        var count = (int)shape.Aggregate(1L, (product, dimension) => product * dimension);
        new SafetensorsWriter()
            .Add("before", ElementType.Float32, [1], [-1f])
            .Add("w", ElementType.Float32, shape, [.. Enumerable.Range(0, count).Select(i => (float)i)])
            .Add("after", ElementType.Float32, [1], [-2f])
            .Write(path);
        return SafetensorsFile.Open(path);
    }
}
