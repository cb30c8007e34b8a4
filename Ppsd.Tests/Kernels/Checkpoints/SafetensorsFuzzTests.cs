using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Checkpoints;

/// <summary>
/// A damaged file is either still sound or refused: it never crashes, hangs, or makes the reader take memory.
/// </summary>
public class SafetensorsFuzzTests
{
    // Far more than a file of 500 bytes can need, far less than a length taken from damaged bytes would ask for.
    private const long MaxAllocatedBytes = 1_000_000;

    private static readonly byte[] _sound = new SafetensorsWriter()
        .WithMetadata("format", "pt")
        .Add("a.weight", ElementType.Float32, [3, 2], [1, 2, 3, 4, 5, 6])
        .Add("b.weight", ElementType.BFloat16, [2, 4], [1, 2, 3, 4, 5, 6, 7, 8])
        .Add("c.weight", ElementType.Float16, [5], [1, 2, 3, 4, 5])
        .Add("ids", [2], [7, 8])
        .ToBytes();

    private static readonly string _header = Encoding.UTF8.GetString(_sound, 8, BitConverter.ToInt32(_sound));

    private TemporaryFolder _folder = null!;
    private int _opened;
    private int _refused;

    [SetUp]
    public void Start()
    {
        _folder = new TemporaryFolder();
        (_opened, _refused) = (0, 0);
    }

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Changed_bytes_are_refused_or_harmless()
    {
        var change = Gen.Zip(Gen.Choose(0, _sound.Length - 1), Gen.Choose(0, 255));
        var changes = Gen.Choose(1, 6).SelectMany(count => Gen.ArrayOf(change, count));
        Check(
            changes.Select(list =>
            {
                var file = _sound.ToArray();
                foreach (var (position, value) in list)
                {
                    file[position] = (byte)value;
                }

                return file;
            })
        );
    }

    [Test]
    public void Cut_and_lengthened_files_are_refused()
    {
        Check(
            Gen.Choose(0, 2 * _sound.Length)
                .Where(length => length != _sound.Length)
                .Select(length => Enumerable.Range(0, length).Select(i => _sound[i % _sound.Length]).ToArray())
        );

        Assert.That(_opened, Is.Zero);
    }

    [Test]
    public void Headers_with_odd_pieces_put_in_are_refused_or_harmless()
    {
        var piece = Gen.Elements(
            "0",
            "1",
            "-1",
            "8",
            "24",
            "9223372036854775807",
            "18446744073709551616",
            "1e308",
            "\"BF16\"",
            "\"I64\"",
            "null",
            "[]",
            "{}",
            "[0,0]",
            ",",
            ":",
            "}",
            "{",
            "]",
            "\"",
            "\\",
            "\u0000",
            "\ud83d\ude00",
            "\"shape\":[2],"
        );
        var edit =
            from position in Gen.Choose(0, _header.Length)
            from removed in Gen.Choose(0, 4)
            from text in piece
            select (position, removed, text);
        Check(
            Gen.ArrayOf(edit, 2)
                .Select(edits =>
                {
                    var header = _header;
                    foreach (var (position, removed, text) in edits)
                    {
                        var start = Math.Min(position, header.Length);
                        header = header.Remove(start, Math.Min(removed, header.Length - start)).Insert(start, text);
                    }

                    return SafetensorsWriter.Assemble(header, _sound.AsSpan(8 + _header.Length));
                })
        );
    }

    private void Check(Gen<byte[]> files)
    {
        var config = Config.QuickThrowOnFailure.WithMaxTest(1500).WithReplay(20250919, 9368 * 2 + 1);
        Prop.ForAll(files.ToArbitrary(), file => ReadAll(file)).Check(config);

        Assert.That(_opened + _refused, Is.EqualTo(1500));
        Assert.That(_refused, Is.GreaterThan(100), "the damage is too mild to test anything");
    }

    private bool ReadAll(byte[] bytes)
    {
        var path = _folder.Write("damaged.safetensors", bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var file = SafetensorsFile.Open(path);
            var dataBytes = bytes.Length - 8 - BitConverter.ToInt64(bytes);
            foreach (var entry in file.Entries)
            {
                Assert.That(entry.Offset, Is.GreaterThanOrEqualTo(0));
                Assert.That(entry.ByteCount, Is.InRange(0, dataBytes - entry.Offset));
                ReadTensor(file, entry);
            }

            _opened++;
        }
        catch (CheckpointException refusal)
        {
            Assert.That(refusal.Message.Any(char.IsControl), Is.False);
            _refused++;
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(MaxAllocatedBytes));
        return true;
    }

    private static void ReadTensor(SafetensorsFile file, TensorEntry entry)
    {
        if (entry.ElementType is not { } type)
        {
            Refusal.Of(() => file.Require(entry.Name));
            return;
        }

        var tensor = file.Require(entry.Name);
        Assert.That(tensor.ElementCount * type.SizeInBytes(), Is.EqualTo(tensor.ByteCount));
        for (var row = 0L; row < tensor.RowCount && tensor.RowLength > 0; row++)
        {
            if (type.IsFloatingPoint())
            {
                tensor.ReadRow(row, new float[tensor.RowLength]);
            }
            else if (row == 0 && tensor.RowCount == 1)
            {
                tensor.ReadRow(0, new int[tensor.RowLength]);
            }
        }
    }
}
