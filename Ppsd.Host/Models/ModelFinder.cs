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
    /// The exit heads made for exactly these weights that may be taken without being named, the one to take first: those
    /// beside the model, or else among the bundled ones, in the order of <see cref="ExitHeadChoice"/>.
    /// </summary>
    public static IReadOnlyList<ExitHeadConfig> FindExitHeads(string modelFolder, string fingerprint)
    {
        var beside = Path.GetDirectoryName(Path.GetFullPath(modelFolder));
        return ModelFolders()
                .Prepend(beside)
                .OfType<string>()
                .Select(parent => ExitHeadChoice.Rank(HeadsIn(parent, fingerprint)))
                .FirstOrDefault(heads => heads.Count > 0)
            ?? [];
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
    public static bool IsHeadFor(string folder, string fingerprint) => TryReadHead(folder, fingerprint) is not null;

    private static List<ExitHeadConfig> HeadsIn(string parent, string fingerprint) =>
        [.. SubfoldersOf(parent).Select(folder => TryReadHead(folder, fingerprint)).OfType<ExitHeadConfig>()];

    private static ExitHeadConfig? TryReadHead(string folder, string fingerprint)
    {
        try
        {
            var head = File.Exists(Path.Combine(folder, "config.json")) ? ExitHeadConfig.Find(folder) : null;
            var isForWeights = fingerprint.Equals(head?.Verifier.WeightsSha256, StringComparison.OrdinalIgnoreCase);
            return isForWeights ? head : null;
        }
        catch (Exception e) when (e is CheckpointException or IOException or UnauthorizedAccessException)
        {
            // Not a head's folder, or one that is gone by now or that this user may not read.
            return null;
        }
    }
}
