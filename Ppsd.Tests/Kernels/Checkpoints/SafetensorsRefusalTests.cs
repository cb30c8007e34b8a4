using System.Buffers.Binary;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class SafetensorsRefusalTests
{
    private const string OneTensor = """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    private TemporaryFolder _folder = null!;

    private string FilePath => _folder.File("bad.safetensors");

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [TestCase(
        """{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""",
        "tensor 'w': expected 12 bytes for F32 [3], found 8 between its data_offsets [0, 8]",
        TestName = "Shape_and_bytes_disagree"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        "tensor 'w': expected one entry, found a second one",
        TestName = "A_name_twice"
    )]
    [TestCase(
        """{"\u0077":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        "tensor 'w': expected one entry, found a second one",
        TestName = "A_name_twice_in_other_spelling"
    )]
    [TestCase(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[5],"data_offsets":[3,8]}}""",
        "tensor 'w': expected data_offsets to begin at 4, where the tensor before it ends, found 3: an overlap at byte 3",
        TestName = "Tensors_overlap"
    )]
    [TestCase(
        """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        "tensor 'w': expected data_offsets to begin at 3, where the tensor before it ends, found 4: a gap at byte 3",
        TestName = "A_gap_between_tensors"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        "tensor 'w': expected data_offsets to begin at 0, where the tensor before it ends, found 4: a gap at byte 0",
        TestName = "A_gap_at_the_start"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
        "data: expected 4 bytes, where the last tensor ends, found 8: 4 bytes belong to no tensor",
        TestName = "Bytes_behind_the_last_tensor"
    )]
    [TestCase("{}", "data: expected 0 bytes, where the last tensor ends, found 8", TestName = "Bytes_but_no_tensor")]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""",
        "tensor 'w': expected 16 bytes of data as its data_offsets declare, found 8 bytes in the file; it is truncated",
        TestName = "A_tensor_beyond_the_end"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[4611686018427387903],"data_offsets":[0,9223372036854775807]}}""",
        "tensor 'w': expected 18446744073709551612 bytes for F32 [4611686018427387903], found 9223372036854775807",
        TestName = "Bytes_overflow_63_bits"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""",
        "tensor 'w': expected 18446744073709551616 bytes for F32 [4611686018427387904], found 0",
        TestName = "Bytes_overflow_to_zero"
    )]
    [TestCase(
        """{"w":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""",
        "expected 9223372036854775807 bytes of data as its data_offsets declare, found 8 bytes",
        TestName = "A_tensor_of_all_63_bits"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""",
        "tensor 'w': shape: expected fewer than 2^63 elements, found [4294967296, 4294967296]",
        TestName = "Shape_overflows"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""",
        "tensor 'w': shape: expected integers from 0 to 2^63 - 1, found -2",
        TestName = "A_negative_dimension"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""",
        "tensor 'w': shape: expected integers from 0 to 2^63 - 1, found 2.0",
        TestName = "A_dimension_with_a_fraction"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}}""",
        "tensor 'w': shape: expected integers from 0 to 2^63 - 1, found 9223372036854775808",
        TestName = "A_dimension_of_64_bits"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}""",
        "tensor 'w': shape: expected integers from 0 to 2^63 - 1, found [",
        TestName = "A_nested_shape"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""",
        "tensor 'w': shape: expected an array, found 2",
        TestName = "Shape_is_no_array"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[2],"data_offsets":[-1,8]}}""",
        "tensor 'w': data_offsets: expected integers from 0 to 2^63 - 1, found -1",
        TestName = "A_negative_offset"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""",
        "tensor 'w': data_offsets: expected [begin, end] with begin <= end, found [8, 0]",
        TestName = "Offsets_run_backwards"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}""",
        "tensor 'w': data_offsets: expected [begin, end] with begin <= end, found [0, 8, 9]",
        TestName = "Three_offsets"
    )]
    [TestCase(
        """{"w":{"shape":[2],"data_offsets":[0,8]}}""",
        "tensor 'w': dtype: expected text, found no such field",
        TestName = "No_dtype"
    )]
    [TestCase(
        """{"w":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}""",
        "tensor 'w': dtype: expected text, found 7",
        TestName = "Dtype_is_no_text"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","data_offsets":[0,8]}}""",
        "tensor 'w': shape: expected an array, found no such field",
        TestName = "No_shape"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","shape":[2]}}""",
        "tensor 'w': data_offsets: expected an array, found no such field",
        TestName = "No_offsets"
    )]
    [TestCase(
        """{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        "tensor 'w': dtype: expected one value, found a second one",
        TestName = "A_field_twice"
    )]
    [TestCase("""{"w":[1]}""", "tensor 'w': expected an object, found [", TestName = "An_entry_is_no_object")]
    [TestCase(
        """{"__metadata__":3}""",
        "__metadata__: expected an object, found 3",
        TestName = "Metadata_is_no_object"
    )]
    [TestCase(
        """{"__metadata__":{"a":1}}""",
        "__metadata__ 'a': expected text, found 1",
        TestName = "Metadata_holds_no_text"
    )]
    [TestCase(
        """{"__metadata__":{"a":"1","a":"2"}}""",
        "__metadata__ 'a': expected one entry, found a second one",
        TestName = "Metadata_twice"
    )]
    [TestCase(
        "{\n  \"w\": nope}",
        "header: expected JSON, found an error at line 2, position 9: ",
        TestName = "Bad_json_with_its_place"
    )]
    [TestCase(
        "{\"w\":{\"dtype\":\"F32\"",
        "header: expected JSON, found an error at line 1",
        TestName = "Unclosed_json"
    )]
    [TestCase("{} {}", "header: expected JSON, found an error at line 1, position 4: ", TestName = "Two_json_values")]
    [TestCase(" {}", "header: expected JSON that begins with '{', found byte 0x20", TestName = "A_leading_space")]
    [TestCase("[]", "header: expected JSON that begins with '{', found byte 0x5b", TestName = "An_array")]
    [TestCase("", "header: expected JSON that begins with '{', found an empty header", TestName = "An_empty_header")]
    [TestCase(
        """{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        "header: expected valid UTF-8 text, found ",
        TestName = "A_name_that_is_no_text"
    )]
    public void A_header_is_refused(string header, string expected)
    {
        _folder.Write("bad.safetensors", SafetensorsWriter.Assemble(header, new byte[8]));

        Assert.That(
            Refusal.Of(() => SafetensorsFile.Open(FilePath)),
            Does.StartWith($"{FilePath}: ").And.Contain(expected)
        );
    }

    [Test]
    public void A_sound_header_of_the_same_kind_is_accepted()
    {
        _folder.Write("bad.safetensors", SafetensorsWriter.Assemble(OneTensor, new byte[8]));

        Assert.That(() => SafetensorsFile.Open(FilePath).Dispose(), Throws.Nothing);
    }

    [Test]
    public void Invalid_utf8_in_a_name_is_refused()
    {
        var file = SafetensorsWriter.Assemble(OneTensor, new byte[8]);
        file[Array.IndexOf(file, (byte)'w')] = 0xff;
        _folder.Write("bad.safetensors", file);

        Assert.That(Refusal.Of(() => SafetensorsFile.Open(FilePath)), Does.StartWith($"{FilePath}: header: expected "));
    }

    [Test]
    public void A_file_cut_short_at_any_byte_is_refused_with_declared_and_actual_size()
    {
        var whole = SafetensorsWriter.Assemble(OneTensor, new byte[8]);
        var headerEnd = whole.Length - 8;
        for (var length = 0; length < whole.Length; length++)
        {
            _folder.Write("bad.safetensors", whole[..length]);
            var expected =
                length < 8 ? $"header: expected at least 8 bytes, found {length}; the file is truncated"
                : length < headerEnd
                    ? $"header: expected at least {headerEnd} bytes, found {length}; the file is truncated"
                : $"tensor 'w': expected 8 bytes of data as its data_offsets declare, found {length - headerEnd} bytes";
            Assert.That(Refusal.Of(() => SafetensorsFile.Open(FilePath)), Does.StartWith($"{FilePath}: {expected}"));
        }
    }

    [TestCase(100_000_001UL)]
    [TestCase(ulong.MaxValue)]
    [TestCase(1UL << 63)]
    public void A_header_longer_than_any_real_one_is_refused_before_memory_is_taken(ulong length)
    {
        var file = SafetensorsWriter.Assemble(OneTensor, new byte[8]);
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        _folder.Write("bad.safetensors", file);

        Assert.That(
            Refusal.Of(() => SafetensorsFile.Open(FilePath)),
            Does.StartWith($"{FilePath}: header length: expected at most 100000000 bytes, found {length}; ")
        );
    }

    [Test]
    public void A_git_lfs_pointer_is_recognised()
    {
        _folder.Write("bad.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");

        Assert.That(
            Refusal.Of(() => SafetensorsFile.Open(FilePath)),
            Is.EqualTo(
                $"{FilePath}: expected a safetensors file, found a Git LFS pointer; "
                    + "fetch the file itself with 'git lfs pull'"
            )
        );
    }

    [Test]
    public void A_missing_file_and_a_folder_are_refused()
    {
        Assert.That(
            Refusal.Of(() => SafetensorsFile.Open(FilePath)),
            Is.EqualTo($"{FilePath}: expected a safetensors file, found no such file")
        );
        Assert.That(
            Refusal.Of(() => SafetensorsFile.Open(_folder.FullPath)),
            Is.EqualTo($"{_folder.FullPath}: expected a safetensors file, found a folder")
        );
    }

    [Test]
    public void A_name_with_a_line_break_cannot_break_the_line()
    {
        var header = """{"a\nb":{"dtype":"F32","shape":[9],"data_offsets":[0,8]}}""";
        _folder.Write("bad.safetensors", SafetensorsWriter.Assemble(header, new byte[8]));

        Assert.That(Refusal.Of(() => SafetensorsFile.Open(FilePath)), Does.Contain("tensor 'a b'"));
    }
}
