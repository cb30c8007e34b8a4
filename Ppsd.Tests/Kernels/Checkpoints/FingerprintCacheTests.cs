using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Tests.Kernels.Checkpoints;

[NonParallelizable] // It sets an environment variable.
public class FingerprintCacheTests
{
    private string? _cacheHome;

    [SetUp]
    public void RememberVariable() => _cacheHome = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");

    [TearDown]
    public void RestoreVariable() => Environment.SetEnvironmentVariable("XDG_CACHE_HOME", _cacheHome);

    [Test]
    public void The_users_cache_folder_is_the_one_set()
    {
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", "/var/somewhere");

        Assert.That(FingerprintCache.DefaultFolder(), Is.EqualTo("/var/somewhere/ppsd/fingerprints"));
    }

    [TestCase(null)]
    [TestCase("relative/path")]
    public void Else_it_is_in_the_home_folder(string? cacheHome)
    {
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", cacheHome);
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

        Assert.That(
            FingerprintCache.DefaultFolder(),
            Is.EqualTo(home.Length == 0 ? null : Path.Combine(home, ".cache", "ppsd", "fingerprints"))
        );
    }

    [Test]
    public void Without_a_folder_nothing_is_remembered()
    {
        var cache = new FingerprintCache(null);
        cache.Store("key", "fingerprint");

        Assert.That(cache.Find("key"), Is.Null);
    }
}
