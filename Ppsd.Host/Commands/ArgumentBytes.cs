using System.Text.Unicode;

namespace Ppsd.Host.Commands;

/// <summary>
/// Looks at the bytes of the command line: .NET turns what is not UTF-8 into U+FFFD, and a prompt would silently be
/// another one. Only Linux shows the bytes.
/// </summary>
internal static class ArgumentBytes
{
    private const string Bytes = "/proc/self/cmdline";

    /// <summary>Refuses arguments that are not UTF-8.</summary>
    /// <exception cref="UserErrorException">One is not; the message says which.</exception>
    public static void Check(string[] arguments)
    {
        if (Array.Exists(arguments, argument => argument.Contains('\uFFFD')) && OperatingSystem.IsLinux())
        {
            Check(arguments, Read());
        }
    }

    /// <summary>As <see cref="Check(string[])"/>, for the bytes of a process.</summary>
    /// <param name="all">Each argument with a zero behind it, the program's own name and what started it included.</param>
    internal static void Check(string[] arguments, ReadOnlySpan<byte> all)
    {
        var parts = new List<Range>();
        foreach (var part in (all.EndsWith((byte)0) ? all[..^1] : all).Split((byte)0))
        {
            parts.Add(part);
        }

        for (var i = Math.Max(0, parts.Count - arguments.Length); i < parts.Count; i++)
        {
            if (!Utf8.IsValid(all[parts[i]]))
            {
                var place = i - (parts.Count - arguments.Length);
                throw new UserErrorException(
                    $"argument {place + 1}: expected UTF-8, found other bytes in '{arguments[place]}'"
                );
            }
        }
    }

    private static byte[] Read()
    {
        try
        {
            return File.ReadAllBytes(Bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
