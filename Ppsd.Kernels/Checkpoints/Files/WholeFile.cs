namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>
/// Writes a file that appears under its name when it is complete: whatever fails, what was there before stays, and no part of
/// the new file does.
/// </summary>
internal static class WholeFile
{
    /// <summary>Writes the file.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="write">Writes its bytes.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var partial = path + ".partial";
        try
        {
            using (var file = File.Create(partial))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    /// <summary>Writes the file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, ReadOnlyMemory<byte> bytes) => Write(path, file => file.Write(bytes.Span));
}
