namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>Where this program keeps what it would have to work out again.</summary>
public static class CacheFolder
{
    /// <summary><c>ppsd/</c> and <paramref name="name"/> in the user's cache folder, or null for a user without a home.</summary>
    public static string? Find(string name)
    {
        // The XDG rules: a relative path is to be ignored. https://specifications.freedesktop.org/basedir-spec
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (!Path.IsPathFullyQualified(cache ?? ""))
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            cache = home.Length == 0 ? null : Path.Combine(home, ".cache");
        }

        return cache is null ? null : Path.Combine(cache, "ppsd", name);
    }
}
