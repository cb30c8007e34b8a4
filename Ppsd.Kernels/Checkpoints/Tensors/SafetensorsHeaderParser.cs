using System.Collections.Immutable;
using System.Text.Json;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>
/// Turns the JSON of a safetensors header into entries and checks each on its own: shape, size and offsets agree.
/// Whether they agree with each other and with the file is for <see cref="SafetensorsLayout"/>.
/// </summary>
internal ref struct SafetensorsHeaderParser
{
    private readonly string _path;
    private Utf8JsonReader _reader;

    private SafetensorsHeaderParser(ReadOnlySpan<byte> json, string path)
    {
        _path = path;
        _reader = new Utf8JsonReader(json);
    }

    /// <summary>Parses a header; <paramref name="path"/> only names the file in refusals.</summary>
    /// <exception cref="CheckpointException">The header is not JSON, or an entry is not sound.</exception>
    public static (List<TensorEntry> Entries, ImmutableDictionary<string, string> Metadata) Parse(
        ReadOnlySpan<byte> json,
        string path
    )
    {
        // The format demands it, so that a file of another kind is told from this one by its ninth byte.
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            var found = json.IsEmpty ? "an empty header" : $"byte 0x{json[0]:x2}";
            throw CheckpointException.Mismatch(path, "header", "JSON that begins with '{'", found);
        }

        try
        {
            return new SafetensorsHeaderParser(json, path).ParseTensors();
        }
        catch (JsonException error)
        {
            throw JsonErrors.Describe(path, "header", error);
        }
        catch (InvalidOperationException error)
        {
            // Thrown by the reader for text that is not valid UTF-8 or UTF-16.
            throw CheckpointException.Mismatch(path, "header", "valid UTF-8 text", error.Message, error);
        }
    }

    private (List<TensorEntry>, ImmutableDictionary<string, string>) ParseTensors()
    {
        var entries = new List<TensorEntry>();
        var metadata = ImmutableDictionary<string, string>.Empty;
        var names = new HashSet<string>(StringComparer.Ordinal);
        _reader.Read();
        while (NextProperty(out var name))
        {
            if (!names.Add(name))
            {
                throw Refuse($"tensor '{name}'", "one entry", "a second one");
            }

            if (name == "__metadata__")
            {
                metadata = ParseMetadata();
            }
            else
            {
                entries.Add(ParseEntry(name));
            }
        }

        // Reading on refuses anything but white space behind the closing brace.
        _reader.Read();
        return (entries, metadata);
    }

    private ImmutableDictionary<string, string> ParseMetadata()
    {
        RequireToken("__metadata__", JsonTokenType.StartObject, "an object");
        var metadata = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        while (NextProperty(out var key))
        {
            RequireToken($"__metadata__ '{key}'", JsonTokenType.String, "text");
            if (!metadata.TryAdd(key, _reader.GetString()!))
            {
                throw Refuse($"__metadata__ '{key}'", "one entry", "a second one");
            }
        }

        return metadata.ToImmutable();
    }

    private TensorEntry ParseEntry(string name)
    {
        var subject = $"tensor '{name}'";
        RequireToken(subject, JsonTokenType.StartObject, "an object");
        string? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (NextProperty(out var field))
        {
            var repeated = false;
            switch (field)
            {
                case "dtype":
                    repeated = dtype is not null;
                    RequireToken($"{subject}: dtype", JsonTokenType.String, "text");
                    dtype = _reader.GetString()!;
                    break;
                case "shape":
                    repeated = shape is not null;
                    shape = ParseNumbers($"{subject}: shape");
                    break;
                case "data_offsets":
                    repeated = offsets is not null;
                    offsets = ParseNumbers($"{subject}: data_offsets");
                    break;
                default:
                    _reader.Skip();
                    break;
            }

            if (repeated)
            {
                throw Refuse($"{subject}: {field}", "one value", "a second one");
            }
        }

        return Check(
            name,
            dtype ?? throw Refuse($"{subject}: dtype", "text", "no such field"),
            shape ?? throw Refuse($"{subject}: shape", "an array", "no such field"),
            offsets ?? throw Refuse($"{subject}: data_offsets", "an array", "no such field")
        );
    }

    private readonly TensorEntry Check(string name, string dtype, long[] shape, long[] offsets)
    {
        var subject = $"tensor '{name}'";
        if (offsets.Length != 2 || offsets[0] > offsets[1])
        {
            throw Refuse($"{subject}: data_offsets", "[begin, end] with begin <= end", TensorShape.Format(offsets));
        }

        if (!TensorShape.TryCountElements(shape, out var elementCount))
        {
            throw Refuse($"{subject}: shape", "fewer than 2^63 elements", TensorShape.Format(shape));
        }

        var byteCount = offsets[1] - offsets[0];
        if (SafetensorsDtype.SizeInBytes(dtype) is { } size && (Int128)elementCount * size != byteCount)
        {
            throw Refuse(
                subject,
                $"{(Int128)elementCount * size} bytes for {dtype} {TensorShape.Format(shape)}",
                $"{byteCount} between its data_offsets {TensorShape.Format(offsets)}"
            );
        }

        return new(name, dtype, [.. shape], elementCount, offsets[0], byteCount);
    }

    private long[] ParseNumbers(string subject)
    {
        RequireToken(subject, JsonTokenType.StartArray, "an array");
        var numbers = new List<long>();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt64(out var number) || number < 0)
            {
                var found = JsonErrors.Quote(_reader.ValueSpan);
                throw Refuse(subject, "integers from 0 to 2^63 - 1", found);
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }

    // Moves to the next property's value, or past the end of the object.
    private bool NextProperty(out string name)
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.PropertyName)
        {
            name = "";
            return false;
        }

        name = _reader.GetString()!;
        _reader.Read();
        return true;
    }

    private readonly void RequireToken(string subject, JsonTokenType expected, string text)
    {
        if (_reader.TokenType != expected)
        {
            throw Refuse(subject, text, JsonErrors.Quote(_reader.ValueSpan));
        }
    }

    private readonly CheckpointException Refuse(string subject, string expected, string found) =>
        CheckpointException.Mismatch(_path, subject, expected, found);
}
