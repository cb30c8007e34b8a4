using System.Buffers.Binary;
using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>
/// The header of a safetensors file: 8 bytes of little-endian length, that many bytes of JSON, then the data part. One
/// that was read is sound: tensors fill the data part without gap or overlap and lie inside the file. Immutable.
/// Format: https://github.com/huggingface/safetensors#format
/// </summary>
internal sealed class SafetensorsHeader
{
    private const int LengthBytes = 8;

    private SafetensorsHeader(
        ImmutableArray<TensorEntry> entries,
        ImmutableDictionary<string, string> metadata,
        long dataStart
    )
    {
        Entries = entries;
        Metadata = metadata;
        DataStart = dataStart;
    }

    /// <summary>The tensors, in the order of their bytes.</summary>
    public ImmutableArray<TensorEntry> Entries { get; }

    /// <summary>The free text pairs of <c>__metadata__</c>; empty when the file has none.</summary>
    public ImmutableDictionary<string, string> Metadata { get; }

    /// <summary>Where the data part begins, in bytes from the start of the file.</summary>
    public long DataStart { get; }

    /// <summary>Opens a file only to read its header.</summary>
    /// <exception cref="CheckpointException">The file is missing, unreadable or not sound.</exception>
    public static SafetensorsHeader Read(string path)
    {
        using var handle = CheckpointFiles.OpenRead(path, "a safetensors file");
        return Read(handle, path);
    }

    /// <summary>
    /// Reads and checks the header of an open file; <paramref name="path"/> only names it in refusals.
    /// </summary>
    /// <exception cref="CheckpointException">The file is unreadable or not sound.</exception>
    public static SafetensorsHeader Read(SafeFileHandle handle, string path)
    {
        try
        {
            var fileBytes = RandomAccess.GetLength(handle);
            var headerBytes = ReadHeaderLength(handle, path, fileBytes);
            var json = new byte[headerBytes];
            if (CheckpointFiles.ReadFully(handle, json, LengthBytes) != headerBytes)
            {
                throw Truncated(path, LengthBytes + headerBytes, fileBytes);
            }

            var dataStart = LengthBytes + headerBytes;
            var (entries, metadata) = SafetensorsHeaderParser.Parse(json, path);
            return new(SafetensorsLayout.Check(entries, fileBytes - dataStart, path), metadata, dataStart);
        }
        catch (Exception error) when (CheckpointFiles.IsFileSystemError(error))
        {
            throw CheckpointFiles.Unreadable(path, error);
        }
    }

    private static long ReadHeaderLength(SafeFileHandle handle, string path, long fileBytes)
    {
        Span<byte> prefix = stackalloc byte[LengthBytes];
        if (CheckpointFiles.ReadFully(handle, prefix, 0) != LengthBytes)
        {
            throw Truncated(path, LengthBytes, fileBytes);
        }

        // The commonest damage of all: a clone that never fetched its large files. Their stand-ins begin like this.
        if (prefix.SequenceEqual("version "u8))
        {
            throw new CheckpointException(
                $"{path}: expected a safetensors file, found a Git LFS pointer; fetch the file itself with 'git lfs pull'"
            );
        }

        var headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerBytes > CheckpointFiles.MaxJsonBytes)
        {
            throw CheckpointException.Mismatch(
                path,
                "header length",
                $"at most {CheckpointFiles.MaxJsonBytes} bytes",
                $"{headerBytes}; this is not a safetensors file, or it is damaged"
            );
        }

        // Compared with the file before any memory is taken for it.
        if ((long)headerBytes > fileBytes - LengthBytes)
        {
            throw Truncated(path, LengthBytes + (long)headerBytes, fileBytes);
        }

        return (long)headerBytes;
    }

    private static CheckpointException Truncated(string path, long expectedBytes, long fileBytes) =>
        CheckpointException.Mismatch(
            path,
            "header",
            $"at least {expectedBytes} bytes",
            $"{fileBytes}; the file is truncated"
        );
}
