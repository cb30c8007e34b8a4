using Ppsd.Host;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Startup;

/// <summary>What a start leaves for the next one.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StartupProfileTests
{
    [Test]
    public async Task A_start_leaves_notes_that_the_next_one_takes()
    {
        using var cache = new TemporaryFolder();
        var environment = new Dictionary<string, string> { ["XDG_CACHE_HOME"] = cache.FullPath };
        string[] command = ["generate", "--synthetic", "toy", "--max-tokens", "2", "1 2 3"];
        var first = await Cli.RunAsync(command, environment);
        var left = Directory.GetFiles(cache.File("ppsd/startup"));
        var second = await Cli.RunAsync(command, environment);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.ExitCode, second.ExitCode), Is.EqualTo((0, 0)), second.Error);

            // One processor compiles as fast without.
            Assert.That(left, Has.Length.EqualTo(Environment.ProcessorCount > 1 ? 1 : 0));
            Assert.That(File.Exists(cache.File("ppsd/startup/generate")), Is.EqualTo(left.Length > 0));
        }
    }

    /// <summary>As a machine that lost its power leaves them.</summary>
    [Test]
    public async Task Notes_that_were_cut_off_or_lost_a_part_do_no_harm(
        [Values(0, 0.5)] double kept,
        [Values] bool isFilled
    )
    {
        using var cache = new TemporaryFolder();
        var environment = new Dictionary<string, string> { ["XDG_CACHE_HOME"] = cache.FullPath };
        string[] command = ["generate", "--synthetic", "toy", "--max-tokens", "2", "1 2 3"];
        await Cli.RunAsync(command, environment);
        foreach (var notes in Directory.GetFiles(cache.File("ppsd/startup")))
        {
            var bytes = await File.ReadAllBytesAsync(notes);
            var length = (int)(kept * bytes.Length);
            bytes.AsSpan(length).Clear();
            await File.WriteAllBytesAsync(notes, isFilled ? bytes : bytes[..length]);
        }

        var result = await Cli.RunAsync(command, environment);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
    }

    [Test]
    public void Each_process_notes_in_a_file_of_its_own_and_the_next_takes_what_others_left()
    {
        using var folder = new TemporaryFolder();
        var first = StartupProfile.CopyNotes(folder.FullPath, "serve");
        File.WriteAllText(folder.File(first), "noted");
        var second = StartupProfile.CopyNotes(folder.FullPath, "serve");
        var third = StartupProfile.CopyNotes(folder.FullPath, "serve");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { first, second, third }, Is.Unique);
            Assert.That(File.ReadAllText(folder.File("serve")), Is.EqualTo("noted"));
            Assert.That(File.ReadAllText(folder.File(third)), Is.EqualTo("noted"));
        }
    }

    [Test]
    public async Task A_cache_that_cannot_be_written_costs_nothing_but_time()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("ppsd"), "a file where the folder would be");
        var environment = new Dictionary<string, string> { ["XDG_CACHE_HOME"] = folder.FullPath };

        var result = await Cli.RunAsync(["generate", "--synthetic", "toy", "--max-tokens", "2", "1 2 3"], environment);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
    }
}
