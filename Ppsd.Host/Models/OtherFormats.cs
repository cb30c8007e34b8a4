using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Host.Models;

/// <summary>Models in formats that this program does not read, known by their files, so that the refusal can name them.</summary>
internal static class OtherFormats
{
    private const string Expected = "a Hugging Face folder with config.json and *.safetensors";

    /// <summary>Refuses what is not a model folder but a model all the same.</summary>
    /// <exception cref="CheckpointException">It is a file, or a folder of GGUF files.</exception>
    public static void Refuse(string path)
    {
        if (File.Exists(path))
        {
            throw new CheckpointException(
                IsGguf(path)
                    ? $"{path}: expected {Expected}, found a GGUF file (llama.cpp's format); take the folder it was made from"
                    : $"{path}: expected {Expected}, found a file; give the folder it lies in"
            );
        }

        if (
            Directory.Exists(path)
            && !File.Exists(Path.Combine(path, "config.json"))
            && Directory.EnumerateFiles(path, "*.gguf").FirstOrDefault() is { } gguf
        )
        {
            throw new CheckpointException(
                $"{path}: expected {Expected}, found a folder of GGUF files ({Path.GetFileName(gguf)}), llama.cpp's format; take the folder they were made from"
            );
        }
    }

    private static bool IsGguf(string path)
    {
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        try
        {
            // A pipe has no length, and to open one waits for its writer.
            if (new FileInfo(path).Length < 4)
            {
                return false;
            }

            Span<byte> magic = stackalloc byte[4];
            using var file = File.OpenRead(path);
            return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == 4
                && magic.SequenceEqual("GGUF"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
