using System.Runtime;
using System.Security.Cryptography;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Host;

/// <summary>
/// What a command has compiled as it started, noted in the user's cache folder: the next start compiles it on a thread of its own. The
/// runtime ignores notes of another build and of a file that was cut off. Where the folder cannot be written nothing is noted.
/// </summary>
internal static class StartupProfile
{
    private static readonly string[] _commands = ["bench", "chat", "generate", "serve", "stage", "verify"];

    /// <summary>Begins to note, and to compile what was noted. To be called before anything else.</summary>
    /// <param name="args">The command line; each command has notes of its own.</param>
    /// <param name="folder">Where notes are kept; null means <c>ppsd/startup</c> in the user's cache folder.</param>
    public static void Begin(string[] args, string? folder = null)
    {
        folder ??= CacheFolder.Find("startup");
        if (folder is null || args is not [var command, ..] || !_commands.Contains(command))
        {
            return;
        }

        try
        {
            ProfileOptimization.SetProfileRoot(Directory.CreateDirectory(folder).FullName);
            ProfileOptimization.StartProfile(CopyNotes(folder, command));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then this start is as slow as the first.
        }
    }

    /// <summary>
    /// Copies a command's notes to a file of this process, which the runtime reads now and writes when the process ends: processes that
    /// shared one would write into each other's lines. What others have left by now becomes the command's notes.
    /// </summary>
    /// <returns>The copy's name.</returns>
    internal static string CopyNotes(string folder, string command)
    {
        var notes = Path.Combine(folder, command);
        foreach (var left in Directory.GetFiles(folder, command + ".*"))
        {
            File.Move(left, notes, overwrite: true);
        }

        var copy = $"{command}.{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        if (File.Exists(notes))
        {
            File.Copy(notes, Path.Combine(folder, copy));
        }

        return copy;
    }
}
