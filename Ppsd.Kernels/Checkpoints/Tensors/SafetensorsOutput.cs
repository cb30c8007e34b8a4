using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>
/// Writes a safetensors file of fp32 or bf16 tensors. The file appears under its name when it is complete, so a reader, or a
/// writer that is killed, never leaves half a file there.
/// </summary>
public sealed class SafetensorsOutput
{
    private const int Alignment = 8;

    private readonly List<Entry> _entries = [];

    /// <summary>Adds a tensor.</summary>
    /// <param name="type">BF16 (values are rounded to nearest, ties to even) or F32.</param>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="values">Its values, row by row; kept until <see cref="Write"/>.</param>
    /// <exception cref="ArgumentException">The type is another, or the shape does not hold the values.</exception>
    public void Add(string name, ElementType type, long[] shape, float[] values)
    {
        if (type is not (ElementType.BFloat16 or ElementType.Float32))
        {
            throw new ArgumentException($"expected BF16 or F32, found {type}", nameof(type));
        }

        if (shape.Aggregate(1L, (product, dimension) => product * dimension) != values.Length)
        {
            throw new ArgumentException(
                $"a shape {TensorShape.Format(shape)} for {values.Length} values",
                nameof(shape)
            );
        }

        _entries.Add(new Entry(name, type, shape, values));
    }

    /// <summary>Writes the file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(string path) =>
        WholeFile.Write(
            path,
            file =>
            {
                WriteHeader(file);
                foreach (var entry in _entries)
                {
                    file.Write(Encode(entry));
                }
            }
        );

    private static ReadOnlySpan<byte> Encode(Entry entry)
    {
        if (entry.Type == ElementType.Float32)
        {
            return MemoryMarshal.AsBytes<float>(entry.Values);
        }

        var halves = new ushort[entry.Values.Length];
        for (var i = 0; i < halves.Length; i++)
        {
            halves[i] = BFloat16.Round(entry.Values[i]);
        }

        return MemoryMarshal.AsBytes<ushort>(halves);
    }

    private void WriteHeader(Stream file)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long begin = 0;
            foreach (var entry in _entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.Type.SafetensorsName());
                json.WriteStartArray("shape");
                Array.ForEach(entry.Shape, json.WriteNumberValue);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(begin);
                begin += (long)entry.Values.Length * entry.Type.SizeInBytes();
                json.WriteNumberValue(begin);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (buffer.Length % Alignment != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, buffer.Length);
        file.Write(length);
        buffer.WriteTo(file);
    }

    private sealed record Entry(string Name, ElementType Type, long[] Shape, float[] Values);
}
