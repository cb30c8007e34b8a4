namespace Ppsd.Tests.Architecture;

/// <summary>What one sitting can read: small files, and folders that a glance takes in.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SizeTests
{
    private const int MaxBytes = 16 * 1024;
    private const int MaxFiles = 24;

    private static readonly string[] _projects = ["Ppsd.Actors", "Ppsd.Kernels", "Ppsd.Host", "Ppsd.Tests"];

    // Lists: a reader looks for one entry and passes the others.
    private static readonly string[] _lists = ["Ppsd.Host/Commands"];

    [Test]
    public void A_source_file_is_shorter_than_16_KB()
    {
        var sizes = _projects
            .SelectMany(Repository.Sources)
            .Select(path => (Path: path, Bytes: new FileInfo(Path.Combine(Repository.Root, path)).Length));

        Assert.That(
            sizes.Where(file => file.Bytes > MaxBytes).Select(file => $"{file.Path}: {file.Bytes} bytes"),
            Is.Empty
        );
    }

    [Test]
    public void A_folder_holds_about_twenty_files_at_most()
    {
        var folders = _projects
            .SelectMany(Repository.Sources)
            .CountBy(path => path[..path.LastIndexOf('/')])
            .Where(folder => folder.Value > MaxFiles && !_lists.Contains(folder.Key));

        Assert.That(folders.Select(folder => $"{folder.Key}: {folder.Value} files"), Is.Empty);
    }
}
