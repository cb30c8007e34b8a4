namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>Tells pipes from files: to open a pipe for reading waits until somebody writes to it, which may be never.</summary>
public static class PipeProbe
{
    /// <summary>True for a pipe, and for what has no length and may not be looked at more closely. Does not wait.</summary>
    /// <param name="path">Anything, also what is not there.</param>
    public static bool IsPipe(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: 0 })
        {
            return false;
        }

        try
        {
            // With both ends a pipe opens at once.
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return !file.CanSeek;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
