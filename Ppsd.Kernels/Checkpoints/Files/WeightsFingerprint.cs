using System.Security.Cryptography;

namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>
/// Tells whether two model folders hold the same weights: SHA-256 in lower-case hexadecimal over the folder's
/// <c>*.safetensors</c> files, one after the other in ordinal order of their names. From a shell:
/// <c>cat *.safetensors | sha256sum</c> (with <c>LC_ALL=C</c>).
/// </summary>
public static class WeightsFingerprint
{
    private const int BufferBytes = 1 << 20;

    /// <summary>
    /// Computes the fingerprint, or recalls it: large models take long to hash, so results are kept by the full paths,
    /// sizes and last-write times of the files. A cache that cannot be read or written is as good as none.
    /// </summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="progress">Receives the bytes hashed so far; nothing when the fingerprint was recalled.</param>
    /// <param name="cacheFolder">
    /// Where to keep results; null means <c>ppsd/fingerprints</c> in the user's cache folder (<c>XDG_CACHE_HOME</c>,
    /// else <c>~/.cache</c>).
    /// </param>
    /// <param name="cancellationToken">Stops the hashing.</param>
    /// <exception cref="CheckpointException">The folder holds no safetensors files, or one cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static string Compute(
        string folder,
        IProgress<long>? progress = null,
        string? cacheFolder = null,
        CancellationToken cancellationToken = default
    )
    {
        var paths = ListWeights(folder);
        var cache = new FingerprintCache(cacheFolder ?? FingerprintCache.DefaultFolder());
        var key = FingerprintCache.KeyOf(paths);
        if (cache.Find(key) is { } known)
        {
            return known;
        }

        var fingerprint = Hash(paths, progress, cancellationToken);

        // The fingerprint of files that changed while they were read must not be cached.
        if (FingerprintCache.KeyOf(paths) == key)
        {
            cache.Store(key, fingerprint);
        }

        return fingerprint;
    }

    /// <summary>Whether a text could be a fingerprint: 64 lower-case hexadecimal digits.</summary>
    internal static bool IsWellFormed(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    private static string[] ListWeights(string folder)
    {
        var files = CheckpointFiles.List(folder);
        var weights = Array.FindAll(files, path => path.EndsWith(".safetensors", StringComparison.Ordinal));
        return weights.Length > 0
            ? weights
            : throw CheckpointException.Mismatch(
                folder,
                "weights",
                "*.safetensors files",
                CheckpointFiles.Summarize([.. files.Select(path => Path.GetFileName(path))])
            );
    }

    private static string Hash(string[] paths, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        var hashedBytes = 0L;
        foreach (var path in paths)
        {
            using var handle = CheckpointFiles.OpenRead(path, "a safetensors file", FileOptions.SequentialScan);
            try
            {
                var offset = 0L;
                while (RandomAccess.Read(handle, buffer, offset) is var read and > 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    hash.AppendData(buffer, 0, read);
                    offset += read;
                    hashedBytes += read;
                    progress?.Report(hashedBytes);
                }
            }
            catch (Exception error) when (CheckpointFiles.IsFileSystemError(error))
            {
                throw CheckpointFiles.Unreadable(path, error);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
