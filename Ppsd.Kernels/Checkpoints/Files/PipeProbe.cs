namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>
/// Tells pipes and devices from files: to open a pipe for reading waits until somebody writes to it, which may be never.
/// </summary>
public static class PipeProbe
{
    /// <summary>
    /// True for a pipe or a terminal, also behind a link, and for what has no length and may not be looked at more closely.
    /// Does not wait.
    /// </summary>
    /// <param name="path">Anything, also what is not there.</param>
    public static bool IsPipe(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                return false;
            }

            // A link has a length of its own. What /dev/fd names is a link too, and that of a pipe leads to no file.
            if (file.ResolveLinkTarget(returnFinalTarget: true) is { } target)
            {
                if (target is not FileInfo { Exists: true } final)
                {
                    return true;
                }

                file = final;
            }

            if (file.Length > 0)
            {
                return false;
            }

            // With both ends a pipe opens at once.
            using var both = new FileStream(file.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return !both.CanSeek;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
