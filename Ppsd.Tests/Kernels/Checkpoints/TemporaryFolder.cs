namespace Ppsd.Tests.Kernels.Checkpoints;

/// <summary>An empty folder that is deleted, with all in it, on dispose.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string FullPath { get; } = Directory.CreateTempSubdirectory("ppsd-tests-").FullName;

    public string File(string name) => Path.Combine(FullPath, name);

    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    public string Write(string name, byte[] bytes)
    {
        System.IO.File.WriteAllBytes(File(name), bytes);
        return File(name);
    }

    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
