using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Host.Models;

/// <summary>Finds the model that travels with the program, and an exit head that was trained for a model.</summary>
internal static class ModelFinder
{
    private const string BundledModel = "gsm-llama";

    /// <summary>The bundled model's folder: <c>models/</c> in the working folder, or in one above the program's.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public static string FindBundled()
    {
        foreach (var models in ModelFolders())
        {
            var folder = Path.Combine(models, BundledModel);
            if (File.Exists(Path.Combine(folder, "config.json")))
            {
                return folder;
            }
        }

        throw new UserErrorException(
            $"--model: the bundled model (models/{BundledModel}) was not found here or beside the program; give a folder"
        );
    }

    /// <summary>
    /// An exit head made for exactly these weights, beside the model or among the bundled ones; null when there is none.
    /// </summary>
    public static string? FindExitHead(string modelFolder, string fingerprint) =>
        FindExitHeads(modelFolder, fingerprint).FirstOrDefault();

    /// <summary>All of them.</summary>
    public static IEnumerable<string> FindExitHeads(string modelFolder, string fingerprint)
    {
        var beside = Path.GetDirectoryName(Path.GetFullPath(modelFolder));
        foreach (var parent in ModelFolders().Prepend(beside).OfType<string>().Distinct())
        {
            foreach (var folder in SubfoldersOf(parent))
            {
                if (IsHeadFor(folder, fingerprint))
                {
                    yield return folder;
                }
            }
        }
    }

    private static IEnumerable<string> ModelFolders()
    {
        yield return Path.GetFullPath("models");
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            yield return Path.Combine(folder, "models");
        }
    }

    private static string[] SubfoldersOf(string folder)
    {
        try
        {
            var folders = Directory.GetDirectories(folder);
            Array.Sort(folders, StringComparer.Ordinal);
            return folders;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>True for a folder with an exit head that was made for exactly these weights.</summary>
    public static bool IsHeadFor(string folder, string fingerprint)
    {
        try
        {
            return File.Exists(Path.Combine(folder, "config.json"))
                && ExitHeadConfig
                    .Read(folder)
                    .Verifier.WeightsSha256.Equals(fingerprint, StringComparison.OrdinalIgnoreCase);
        }
        catch (CheckpointException)
        {
            // Something else's folder.
            return false;
        }
    }
}
