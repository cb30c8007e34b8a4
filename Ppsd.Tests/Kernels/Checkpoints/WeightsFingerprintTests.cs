using System.Security.Cryptography;
using System.Text;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class WeightsFingerprintTests
{
    private static readonly DateTime _writeTime = new(2025, 9, 19, 12, 0, 0, DateTimeKind.Utc);

    private TemporaryFolder _model = null!;
    private TemporaryFolder _cache = null!;

    private string CacheFolder => _cache.File("ppsd/fingerprints");

    [SetUp]
    public void MakeFolders()
    {
        _model = new TemporaryFolder();
        _cache = new TemporaryFolder();
    }

    [TearDown]
    public void DeleteFolders()
    {
        _model.Dispose();
        _cache.Dispose();
    }

    [Test]
    public void Shards_are_hashed_as_one_stream()
    {
        Assert.That(
            WeightsFingerprint.Compute(ModelFolders.GsmLlama, cacheFolder: CacheFolder),
            Is.EqualTo("bfd79c2e508a4eb8abbedb27bf0e33c23472e6c9eb6342548f4e0288a53f2e64")
        );
        Assert.That(
            WeightsFingerprint.Compute(ModelFolders.TinyLlama3, cacheFolder: CacheFolder),
            Is.EqualTo("df23a39de3d85f7531ab9bfc96021be33989d001261d2c4827922049da294f52")
        );
    }

    [Test]
    public void The_shipped_head_names_the_shipped_model()
    {
        var head = ExitHeadConfig.Read(ModelFolders.GsmLlamaExit4);
        var fingerprint = WeightsFingerprint.Compute(ModelFolders.GsmLlama, cacheFolder: CacheFolder);

        Assert.That(() => head.RequireFits(ModelConfig.Read(ModelFolders.GsmLlama), fingerprint), Throws.Nothing);
    }

    [Test]
    public void Files_count_in_ordinal_order_and_others_not_at_all()
    {
        Write("b.safetensors", "second");
        Write("B.safetensors", "first");
        Write("b-2.safetensors", "-");
        Write("config.json", "{}");
        Write("c.safetensors.bak", "old");

        Assert.That(Compute(), Is.EqualTo(Sha256("first-second")));
    }

    [Test]
    public void Progress_ends_at_the_number_of_bytes()
    {
        Write("a.safetensors", new string('a', 3_000_000));
        Write("b.safetensors", "xyz");
        var progress = new Progress();
        Compute(progress);

        Assert.That(progress.Reports, Has.Count.GreaterThan(2));
        Assert.That(progress.Reports, Is.Ordered);
        Assert.That(progress.Reports[^1], Is.EqualTo(3_000_003));
    }

    [Test]
    public void A_known_fingerprint_is_recalled_without_reading()
    {
        Write("a.safetensors", "one");
        var first = Compute();

        // Same size and time: only reading would tell.
        Write("a.safetensors", "two");
        var progress = new Progress();

        Assert.That(Compute(progress), Is.EqualTo(first).And.EqualTo(Sha256("one")));
        Assert.That(progress.Reports, Is.Empty);
    }

    [Test]
    public void A_file_of_another_time_is_hashed_again()
    {
        Write("a.safetensors", "one");
        Compute();
        Write("a.safetensors", "two", _writeTime.AddSeconds(1));

        Assert.That(Compute(), Is.EqualTo(Sha256("two")));
    }

    [Test]
    public void A_file_of_another_size_is_hashed_again()
    {
        Write("a.safetensors", "one");
        Compute();
        Write("a.safetensors", "three");

        Assert.That(Compute(), Is.EqualTo(Sha256("three")));
    }

    [Test]
    public void A_further_file_is_hashed_too()
    {
        Write("a.safetensors", "one");
        Compute();
        Write("b.safetensors", "two");

        Assert.That(Compute(), Is.EqualTo(Sha256("onetwo")));
    }

    [Test]
    public void Another_folder_has_its_own_entry()
    {
        Write("a.safetensors", "one");
        Compute();
        using var other = new TemporaryFolder();
        other.Write("a.safetensors", "two");
        File.SetLastWriteTimeUtc(other.File("a.safetensors"), _writeTime);

        Assert.That(WeightsFingerprint.Compute(other.FullPath, cacheFolder: CacheFolder), Is.EqualTo(Sha256("two")));
    }

    [Test]
    public void A_link_is_as_new_as_the_file_it_leads_to()
    {
        Write("blob", "one");
        File.CreateSymbolicLink(_model.File("a.safetensors"), _model.File("blob"));
        Compute();
        Write("blob", "two", _writeTime.AddSeconds(1));

        Assert.That(Compute(), Is.EqualTo(Sha256("two")));
    }

    [Test]
    public void A_damaged_entry_is_not_believed([Values("", "garbage", "flipped", "short", "not utf-8")] string damage)
    {
        Write("a.safetensors", "one");
        var fingerprint = Compute();
        var entry = Directory.GetFiles(CacheFolder).Single();
        var text = File.ReadAllText(entry);
        var bytes = damage switch
        {
            "flipped" => Encoding.UTF8.GetBytes((text[0] == '0' ? '1' : '0') + text[1..]),
            "short" => Encoding.UTF8.GetBytes(text[..65]),
            "not utf-8" => [0xff, 0xfe, 0xff, 0x0a, 0xff],
            _ => Encoding.UTF8.GetBytes(damage),
        };
        File.WriteAllBytes(entry, bytes);

        Assert.That(Compute(), Is.EqualTo(fingerprint));
        Assert.That(File.ReadAllText(entry), Is.EqualTo(text), "the entry was not mended");
    }

    [Test]
    public void An_entry_put_in_the_place_of_another_is_not_believed()
    {
        Write("a.safetensors", "one");
        Compute();
        var ofOne = Directory.GetFiles(CacheFolder).Single();
        Write("a.safetensors", "three");
        Compute();
        var ofThree = Directory.GetFiles(CacheFolder).Single(path => path != ofOne);
        File.Copy(ofOne, ofThree, overwrite: true);

        Assert.That(Compute(), Is.EqualTo(Sha256("three")));
    }

    [Test]
    public void A_cache_that_cannot_be_written_is_as_good_as_none()
    {
        // A file stands where the cache folder should be: true for any user, root too.
        var blocked = _cache.Write("blocked", "");
        Write("a.safetensors", "one");

        Assert.That(
            WeightsFingerprint.Compute(_model.FullPath, cacheFolder: Path.Combine(blocked, "inside")),
            Is.EqualTo(Sha256("one"))
        );
    }

    [Test]
    public void An_entry_that_cannot_be_read_is_as_good_as_none()
    {
        Write("a.safetensors", "one");
        Compute();
        var entry = Directory.GetFiles(CacheFolder).Single();
        File.Delete(entry);
        Directory.CreateDirectory(entry);

        Assert.That(Compute(), Is.EqualTo(Sha256("one")));
    }

    [Test]
    public void Nothing_but_the_entry_is_left_in_the_cache()
    {
        Write("a.safetensors", "one");
        Compute();
        Compute();

        Assert.That(Directory.GetFileSystemEntries(CacheFolder), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_folder_without_weights_is_refused()
    {
        Write("config.json", "{}");

        Assert.That(
            Refusal.Of(() => Compute()),
            Is.EqualTo($"{_model.FullPath}: weights: expected *.safetensors files, found config.json")
        );
    }

    [Test]
    public void A_missing_folder_is_refused()
    {
        Assert.That(
            Refusal.Of(() => WeightsFingerprint.Compute(_model.File("absent"), cacheFolder: CacheFolder)),
            Does.EndWith("absent: expected a model folder, found no such folder")
        );
    }

    [Test]
    public void A_file_that_changes_while_it_is_hashed_leaves_no_entry()
    {
        Write("a.safetensors", "one");
        var touch = new Progress(() =>
            File.SetLastWriteTimeUtc(_model.File("a.safetensors"), _writeTime.AddSeconds(1))
        );

        Assert.That(Compute(touch), Is.EqualTo(Sha256("one")));
        Assert.That(Directory.Exists(CacheFolder), Is.False);
    }

    [Test]
    public void Hashing_can_be_cancelled_and_leaves_no_entry()
    {
        Write("a.safetensors", "one");

        Assert.That(
            () => WeightsFingerprint.Compute(_model.FullPath, null, CacheFolder, new CancellationToken(canceled: true)),
            Throws.InstanceOf<OperationCanceledException>()
        );
        Assert.That(Directory.Exists(CacheFolder), Is.False);
    }

    private string Compute(Progress? progress = null) =>
        WeightsFingerprint.Compute(_model.FullPath, progress, CacheFolder);

    private void Write(string name, string text, DateTime? writeTime = null) =>
        File.SetLastWriteTimeUtc(_model.Write(name, text), writeTime ?? _writeTime);

    private static string Sha256(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private sealed class Progress(Action? onReport = null) : IProgress<long>
    {
        public List<long> Reports { get; } = [];

        public void Report(long value)
        {
            Reports.Add(value);
            onReport?.Invoke();
        }
    }
}
