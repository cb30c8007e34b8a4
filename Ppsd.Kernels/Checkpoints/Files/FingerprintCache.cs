using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>
/// Remembers fingerprints in a folder, one small file each. It never fails: what cannot be read is not known, and what
/// cannot be written is not remembered. Processes may share a folder.
/// </summary>
/// <param name="folder">Where the files lie; made when first needed. Null remembers nothing.</param>
internal sealed class FingerprintCache(string? folder)
{
    /// <summary><c>ppsd/fingerprints</c> in the user's cache folder, or null for a user without a home.</summary>
    public static string? DefaultFolder() => CacheFolder.Find("fingerprints");

    /// <summary>A name for these files as they are now: their full paths, sizes and last-write times.</summary>
    /// <exception cref="CheckpointException">A file cannot be opened.</exception>
    public static string KeyOf(IEnumerable<string> paths)
    {
        var description = new StringBuilder();
        foreach (var path in paths)
        {
            // By handle, so that a link is described by the file it leads to.
            using var handle = CheckpointFiles.OpenRead(path, "a safetensors file");
            var length = RandomAccess.GetLength(handle);
            var ticks = File.GetLastWriteTimeUtc(handle).Ticks;
            description.Append(CultureInfo.InvariantCulture, $"{Path.GetFullPath(path)}\0{length}\0{ticks}\0");
        }

        return Digest(description.ToString());
    }

    /// <summary>The fingerprint remembered under a key; null when there is none or its file is damaged.</summary>
    public string? Find(string key)
    {
        if (folder is null)
        {
            return null;
        }

        try
        {
            var lines = File.ReadAllText(Path.Combine(folder, key)).Split('\n');
            return lines.Length >= 2 && lines[1] == Seal(key, lines[0]) ? lines[0] : null;
        }
        catch (Exception error) when (CheckpointFiles.IsFileSystemError(error))
        {
            return null;
        }
    }

    /// <summary>Remembers a fingerprint.</summary>
    public void Store(string key, string fingerprint)
    {
        if (folder is null)
        {
            return;
        }

        try
        {
            // Written aside and moved into place: a reader finds a whole file or none.
            Directory.CreateDirectory(folder);
            var partial = Path.Combine(folder, $"{key}.{Path.GetRandomFileName()}");
            File.WriteAllText(partial, $"{fingerprint}\n{Seal(key, fingerprint)}\n");
            File.Move(partial, Path.Combine(folder, key), overwrite: true);
        }
        catch (Exception error) when (CheckpointFiles.IsFileSystemError(error))
        {
            // The next start hashes again.
        }
    }

    // Ties an entry to its key, so that a damaged or renamed file is not believed.
    private static string Seal(string key, string fingerprint) => Digest($"{key} {fingerprint}");

    private static string Digest(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
