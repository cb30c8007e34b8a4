using Microsoft.Win32.SafeHandles;

namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>Opens files of a model folder; turns what the file system refuses into one clear line.</summary>
internal static class CheckpointFiles
{
    /// <summary>No JSON file of a model folder, nor a safetensors header, may be larger than this.</summary>
    public const int MaxJsonBytes = 100_000_000;

    private const int MaxListedNames = 6;

    /// <summary>Opens a file for reading. The caller disposes the handle.</summary>
    /// <exception cref="CheckpointException">It is missing, a folder, a pipe, or unreadable.</exception>
    public static SafeFileHandle OpenRead(string path, string expected, FileOptions options = FileOptions.None)
    {
        try
        {
            if (PipeProbe.IsPipe(path))
            {
                throw new CheckpointException($"{path}: expected {expected}, found a pipe or a device");
            }

            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, options);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException($"{path}: expected {expected}, found no such file", error);
        }
        catch (Exception error) when (IsFileSystemError(error))
        {
            var found = Directory.Exists(path) ? "a folder" : $"a file that cannot be opened ({error.Message})";
            throw new CheckpointException($"{path}: expected {expected}, found {found}", error);
        }
    }

    /// <summary>Reads a whole JSON file, without the byte order mark some editors put in front.</summary>
    /// <exception cref="CheckpointException">It is missing, unreadable, or larger than any real one.</exception>
    public static ReadOnlyMemory<byte> ReadJson(string path)
    {
        using var handle = OpenRead(path, "a JSON file");
        try
        {
            var length = RandomAccess.GetLength(handle);
            if (length > MaxJsonBytes)
            {
                throw new CheckpointException($"{path}: expected at most {MaxJsonBytes} bytes, found {length}");
            }

            var bytes = new byte[length];
            var read = ReadFully(handle, bytes, 0);
            var json = bytes.AsMemory(0, read);
            return json.Span.StartsWith("\uFEFF"u8) ? json[3..] : json;
        }
        catch (Exception error) when (IsFileSystemError(error))
        {
            throw Unreadable(path, error);
        }
    }

    /// <summary>
    /// Fills the buffer from an offset; returns how many bytes there were, fewer only at the end of the file.
    /// </summary>
    public static int ReadFully(SafeFileHandle handle, Span<byte> buffer, long fileOffset)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = RandomAccess.Read(handle, buffer[total..], fileOffset + total);
            if (read == 0)
            {
                break;
            }

            total += read;
        }

        return total;
    }

    /// <summary>The line for a file that was opened and then could not be read.</summary>
    public static CheckpointException Unreadable(string path, Exception error) =>
        new($"{path}: expected a readable file, found an input/output error ({error.Message})", error);

    /// <summary>Whether an exception is the file system's refusal and not a defect of this program.</summary>
    public static bool IsFileSystemError(Exception error) =>
        error is IOException or UnauthorizedAccessException or NotSupportedException;

    /// <summary>Full paths of the files in a folder, in ordinal order of their names.</summary>
    /// <exception cref="CheckpointException">The folder is missing or unreadable.</exception>
    public static string[] List(string folder)
    {
        try
        {
            var files = Directory.GetFiles(folder);
            Array.Sort(files, (a, b) => string.CompareOrdinal(Path.GetFileName(a), Path.GetFileName(b)));
            return files;
        }
        catch (DirectoryNotFoundException error)
        {
            throw new CheckpointException($"{folder}: expected a model folder, found no such folder", error);
        }
        catch (Exception error) when (IsFileSystemError(error))
        {
            throw new CheckpointException(
                $"{folder}: expected a model folder, found one that cannot be listed ({error.Message})",
                error
            );
        }
    }

    /// <summary>The first few names and how many more there are, for the "found" part of a message.</summary>
    public static string Summarize(IReadOnlyCollection<string> names) =>
        names.Count switch
        {
            0 => "nothing",
            <= MaxListedNames => string.Join(", ", names),
            _ => $"{string.Join(", ", names.Take(MaxListedNames))} and {names.Count - MaxListedNames} more",
        };
}
