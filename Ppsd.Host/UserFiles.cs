using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Host;

/// <summary>
/// The door for files that options name. Only a file with a length is read, and no further than that: a pipe or a
/// terminal would keep the program waiting, and a device may never end. A refusal is one line that names the option.
/// </summary>
internal static class UserFiles
{
    /// <summary>Refuses what cannot be read as a file. Does not wait.</summary>
    /// <exception cref="UserErrorException">There is none, or it is a folder, a pipe, a device or unreadable.</exception>
    public static void Require(string option, string path) => Open(option, path).Dispose();

    /// <summary>Refuses a pipe or a terminal, and nothing else, for files whose own reader says what is wrong with them.</summary>
    /// <exception cref="UserErrorException">It is one.</exception>
    public static void RefusePipe(string option, string path)
    {
        if (PipeProbe.IsPipe(path))
        {
            throw Refuse(option, path, "a pipe or a device");
        }
    }

    /// <summary>Reads a file whole.</summary>
    /// <exception cref="UserErrorException">As in <see cref="Require"/>, or it cannot be read to its end.</exception>
    public static byte[] ReadAllBytes(string option, string path)
    {
        using var file = Open(option, path);
        try
        {
            if (file.Length > Array.MaxLength)
            {
                throw Refuse(option, path, $"one of {file.Length} bytes, more than {Array.MaxLength}");
            }

            var bytes = new byte[file.Length];
            var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return read == bytes.Length ? bytes : bytes[..read];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Refuse(option, path, Reason(e, path), e);
        }
    }

    /// <summary>
    /// Checks that a file can be written, before work that would be lost otherwise. Leaves nothing behind, and what is there as
    /// it is.
    /// </summary>
    /// <exception cref="IOException">It cannot; the message is one line.</exception>
    public static void RequireWritable(string option, string path)
    {
        try
        {
            if (PipeProbe.IsPipe(path))
            {
                throw new IOException("it is a pipe or a device, expected a file");
            }

            var isThere = Path.Exists(path);
            using var file = new FileStream(
                path,
                isThere ? FileMode.Open : FileMode.CreateNew,
                FileAccess.Write,
                FileShare.ReadWrite,
                bufferSize: 0,
                isThere ? FileOptions.None : FileOptions.DeleteOnClose
            );
        }
        catch (Exception e) when (IsRefusal(e))
        {
            throw Unwritable(option, path, e);
        }
    }

    /// <summary>Writes a text file.</summary>
    /// <exception cref="IOException">It cannot be written; the message is one line.</exception>
    public static void WriteAllText(string option, string path, string text)
    {
        try
        {
            File.WriteAllText(path, text);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            throw Unwritable(option, path, e);
        }
    }

    private static FileStream Open(string option, string path)
    {
        RefusePipe(option, path);
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            throw Refuse(option, path, Reason(e, path), e);
        }
    }

    private static bool IsRefusal(Exception e) =>
        e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    private static UserErrorException Refuse(string option, string path, string found, Exception? inner = null)
    {
        var message = $"{option}: {path}: expected a file, found {found}";
        return inner is null ? new UserErrorException(message) : new UserErrorException(message, inner);
    }

    private static IOException Unwritable(string option, string path, Exception e) =>
        new($"{option}: {path} cannot be written: {Reason(e, path)}", e);

    /// <summary>Why a file cannot be used, without its name, which the message has already.</summary>
    private static string Reason(Exception e, string path) =>
        e switch
        {
            FileNotFoundException => "no such file",
            DirectoryNotFoundException => "no such folder",
            _ when Directory.Exists(path) => "a folder",
            UnauthorizedAccessException => "no permission",
            ArgumentException => "a name that no file can have",
            _ => e.Message.Replace($" : '{Path.GetFullPath(path)}'", "", StringComparison.Ordinal),
        };
}
