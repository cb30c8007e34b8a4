using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Tests.Support;

/// <summary>
/// Writes safetensors files for tests: sound ones from values, damaged ones from a header given as text, and copies of
/// model folders in another element type or another number of shards.
/// </summary>
public sealed class SafetensorsWriter
{
    private readonly JsonObject _header = [];
    private readonly List<byte> _data = [];

    /// <summary>Adds a tensor; values are rounded to nearest, ties to even.</summary>
    public SafetensorsWriter Add(string name, ElementType type, long[] shape, ReadOnlySpan<float> values) =>
        AddRaw(name, type.SafetensorsName(), shape, Encode(type, values));

    /// <summary>Adds a tensor of integers.</summary>
    public SafetensorsWriter Add(string name, long[] shape, ReadOnlySpan<int> values) =>
        AddRaw(name, "I32", shape, MemoryMarshal.AsBytes(values));

    /// <summary>Adds a tensor of whatever type, shape and bytes; nothing is checked.</summary>
    public SafetensorsWriter AddRaw(string name, string dtype, long[] shape, ReadOnlySpan<byte> bytes)
    {
        var begin = _data.Count;
        _data.AddRange(bytes);
        _header.Add(
            name,
            new JsonObject
            {
                ["dtype"] = dtype,
                ["shape"] = new JsonArray([.. shape.Select(dimension => JsonValue.Create(dimension))]),
                ["data_offsets"] = new JsonArray(begin, _data.Count),
            }
        );
        return this;
    }

    /// <summary>Sets a pair of <c>__metadata__</c>.</summary>
    public SafetensorsWriter WithMetadata(string key, string value)
    {
        if (_header["__metadata__"] is not JsonObject metadata)
        {
            _header["__metadata__"] = metadata = [];
        }

        metadata[key] = value;
        return this;
    }

    /// <summary>The whole file.</summary>
    public byte[] ToBytes() => Assemble(_header.ToJsonString(), CollectionsMarshal.AsSpan(_data));

    /// <summary>Writes the whole file.</summary>
    public void Write(string path) => File.WriteAllBytes(path, ToBytes());

    /// <summary>A file with this header, padded with spaces to 8 bytes as real ones are, and this data part.</summary>
    public static byte[] Assemble(string headerJson, ReadOnlySpan<byte> data)
    {
        var header = System.Text.Encoding.UTF8.GetBytes(headerJson);
        var paddedLength = (header.Length + 7) / 8 * 8;
        var file = new byte[8 + paddedLength + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, paddedLength);
        file.AsSpan(8, paddedLength).Fill((byte)' ');
        header.CopyTo(file, 8);
        data.CopyTo(file.AsSpan(8 + paddedLength));
        return file;
    }

    /// <summary>The bytes of values in an element type, rounded to nearest, ties to even.</summary>
    public static byte[] Encode(ElementType type, ReadOnlySpan<float> values)
    {
        var bytes = new byte[values.Length * type.SizeInBytes()];
        for (var i = 0; i < values.Length; i++)
        {
            var target = bytes.AsSpan(i * type.SizeInBytes());
            switch (type)
            {
                case ElementType.BFloat16:
                    BinaryPrimitives.WriteUInt16LittleEndian(target, ToBFloat16(values[i]));
                    break;
                case ElementType.Float16:
                    BinaryPrimitives.WriteHalfLittleEndian(target, (Half)values[i]);
                    break;
                case ElementType.Float32:
                    BinaryPrimitives.WriteSingleLittleEndian(target, values[i]);
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(type), type, "No float type.");
            }
        }

        return bytes;
    }

    /// <summary>
    /// Copies a model or exit-head folder: tokenizer and configs as they are but for the config's <c>dtype</c>, weights
    /// in the wanted type, as one file or as shards with an index.
    /// </summary>
    /// <param name="sourceFolder">A folder that <see cref="Checkpoint"/> opens.</param>
    /// <param name="targetFolder">Made if missing.</param>
    /// <param name="elementType">The type of all weights in the copy; null keeps each tensor's own.</param>
    /// <param name="shardCount">Number of files; tensors are dealt out in ordinal order of their names.</param>
    public static void CopyModel(
        string sourceFolder,
        string targetFolder,
        ElementType? elementType = null,
        int shardCount = 1
    )
    {
        Directory.CreateDirectory(targetFolder);
        CopyOtherFiles(sourceFolder, targetFolder, elementType);

        using var source = Checkpoint.Open(sourceFolder);
        var names = source.TensorNames.Order(StringComparer.Ordinal).ToArray();
        var weightMap = new JsonObject();
        var totalBytes = 0L;
        for (var shard = 0; shard < shardCount; shard++)
        {
            var fileName =
                shardCount == 1 ? "model.safetensors" : $"model-{shard + 1:00000}-of-{shardCount:00000}.safetensors";
            var writer = new SafetensorsWriter().WithMetadata("format", "pt");
            foreach (var name in names[(names.Length * shard / shardCount)..(names.Length * (shard + 1) / shardCount)])
            {
                writer.AddCopy(source.Require(name), elementType);
                weightMap[name] = fileName;
            }

            totalBytes += writer._data.Count;
            writer.Write(Path.Combine(targetFolder, fileName));
        }

        if (shardCount > 1)
        {
            var index = new JsonObject
            {
                ["metadata"] = new JsonObject { ["total_size"] = totalBytes },
                ["weight_map"] = weightMap,
            };
            File.WriteAllText(Path.Combine(targetFolder, "model.safetensors.index.json"), index.ToJsonString());
        }
    }

    private static void CopyOtherFiles(string sourceFolder, string targetFolder, ElementType? elementType)
    {
        foreach (var path in Directory.GetFiles(sourceFolder))
        {
            var name = Path.GetFileName(path);
            if (!name.Contains(".safetensors", StringComparison.Ordinal))
            {
                File.Copy(path, Path.Combine(targetFolder, name), overwrite: true);
            }
        }

        var configPath = Path.Combine(targetFolder, "config.json");
        if (elementType is { } type && File.Exists(configPath))
        {
            var config = JsonNode.Parse(File.ReadAllText(configPath))!.AsObject();
            config.Remove("torch_dtype");
            config["dtype"] = type switch
            {
                ElementType.BFloat16 => "bfloat16",
                ElementType.Float16 => "float16",
                _ => "float32",
            };
            File.WriteAllText(configPath, config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        }
    }

    private void AddCopy(Tensor tensor, ElementType? elementType)
    {
        long[] shape = [.. tensor.Shape];
        if (elementType is null || elementType == tensor.ElementType)
        {
            AddRaw(tensor.Name, tensor.ElementType.SafetensorsName(), shape, tensor.Bytes(0, (int)tensor.ByteCount));
            return;
        }

        var values = new float[tensor.ElementCount];
        tensor.ReadRows(0, (int)tensor.RowCount, values);
        Add(tensor.Name, elementType.Value, shape, values);
    }

    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);

        // A NaN keeps its upper half, made quiet: rounding could carry it into infinity.
        return float.IsNaN(value)
            ? (ushort)((bits >> 16) | 0x40)
            : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
