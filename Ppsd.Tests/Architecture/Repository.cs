namespace Ppsd.Tests.Architecture;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] _built = ["bin", "obj", "artifacts"];

    /// <summary>Its root, where the solution lies.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Source files of a project, as paths in the repository with slashes.</summary>
    public static IEnumerable<string> Sources(string project) => Files(project, "*.cs");

    /// <summary>Files below a folder, without what is built, as paths in the repository with slashes.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory
            .EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => _built.Contains(part) || part is ".git"));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Ppsd.slnx")))
        {
            folder =
                folder.Parent ?? throw new InvalidOperationException($"no Ppsd.slnx above {AppContext.BaseDirectory}");
        }

        return folder.FullName;
    }
}
