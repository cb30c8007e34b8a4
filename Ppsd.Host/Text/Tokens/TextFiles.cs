using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Host.Text.Tokens;

/// <summary>Reads the text files of a model folder whole.</summary>
internal static class TextFiles
{
    /// <summary>
    /// Reads a file. A pipe is refused: to open one waits until somebody writes to it.
    /// </summary>
    /// <exception cref="TextException">The file is missing, a pipe or unreadable; the message names it.</exception>
    public static byte[] ReadAllBytes(string path)
    {
        try
        {
            return PipeProbe.IsPipe(path)
                ? throw new TextException($"{path}: expected a file, found a pipe or a device")
                : File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TextException($"{path}: cannot be read: {e.Message}", e);
        }
    }
}
